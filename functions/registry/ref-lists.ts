// The branches and tags of git repositories, as a worker saw them last.
import { EVERY_REF } from '#core/git-ref.ts';
import { formatPackageSource, type PackageSource } from '#core/package-source.ts';
import { areFresh, sourceKey, type SourceKey } from '#core/source-document.ts';
import type { Log } from '#core/google/log.ts';
import type { Sources } from '#core/google/sources.ts';
import type { Asking } from '../asking.ts';

export interface RefListsParts {
  readonly sources: Sources;
  readonly asking: Pick<Asking, 'checkSource'>;
  /** For how long a list is gone by before a worker is asked for a newer one. Milliseconds. */
  readonly freshMs: number;
  readonly log: Log;
}

export interface RefList {
  readonly names: readonly string[];
  /** How many more the repository has; undefined where nobody has looked yet. */
  readonly leftOut: number | undefined;
}

export type ReadRefList = (repository: PackageSource) => Promise<RefList>;

/**
 * Reads what is known, at once: the same object as long as it is the same list. Where that is nothing or old, a worker is
 * asked to look, for those who come later.
 */
export function openRefLists({ sources, asking, freshMs, log }: RefListsParts): ReadRefList {
  const kept = new Map<SourceKey, { readonly listedAt: number | undefined; readonly list: RefList }>();

  return async source => {
    const at = { source, ref: EVERY_REF };
    const key = sourceKey(at);
    const seen = await sources.read(key);
    const refs = seen.document?.refs;
    if (!areFresh(refs, seen.readTime, freshMs)) {
      await asking.checkSource(key, at, seen).catch((error: unknown) => {
        log.warn(
          { error, source: formatPackageSource(source) },
          'nobody could be asked for branches and tags',
        );
      });
    }
    const known = kept.get(key);
    if (known !== undefined && known.listedAt === refs?.listedAt) return known.list;
    const list = { names: refs?.names.split('\n') ?? [], leftOut: refs?.leftOut };
    kept.set(key, { listedAt: refs?.listedAt, list });
    return list;
  };
}
