// All tags of the deployment that can be listed now, and what is missing of them.
import { offeredTags, repositoriesIn } from '#core/offered-tags.ts';
import { formatPackageSource } from '#core/package-source.ts';
import type { Tag } from '#core/reference.ts';
import type { SourceRules } from '#core/source-rules.ts';
import type { ReadRefList, RefList } from './ref-lists.ts';

export interface KnownTags {
  /** Sorted. */
  readonly tags: readonly Tag[];
  /** Sentences about what is not among them. */
  readonly missing: readonly string[];
}

export type ReadKnownTags = () => Promise<KnownTags>;

/** Tens of thousands of refs take a tenth of a second: tags are made anew only when a list of refs is another. */
export function openKnownTags(rules: SourceRules, readRefList: ReadRefList): ReadKnownTags {
  const repositories = repositoriesIn(rules);
  const names = repositories.map(formatPackageSource);
  let made: { readonly of: readonly RefList[]; readonly known: KnownTags } | undefined;

  return async () => {
    const lists = await Promise.all(repositories.map(readRefList));
    if (made === undefined || made.of.some((list, at) => list !== lists[at])) {
      const byName = new Map(names.map((name, at) => [name, lists[at]?.names ?? []]));
      const known = {
        tags: offeredTags(rules, source => byName.get(formatPackageSource(source)) ?? []),
        missing: lists.flatMap((list, at) => describeMissing(names[at] ?? '', list)),
      };
      made = { of: lists, known };
    }
    return made.known;
  };
}

function describeMissing(repository: string, { leftOut }: RefList): string[] {
  if (leftOut === undefined) return [`the branches and tags of ${repository} are being looked up`];
  return leftOut > 0 ? [`${leftOut} branches and tags of ${repository} are not listed`] : [];
}
