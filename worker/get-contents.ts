// The packages of an image, brought into the store with all that they need: by what is known of them already, or by Nix.
import { ALWAYS_PACKAGES, type ImageSettings } from '#core/image-settings.ts';
import type { Phase } from '#core/image-document.ts';
import type { ImageRequest } from '#core/image-request.ts';
import { byCodeUnits } from '#core/order.ts';
import { nixSystemOf } from '#core/platform.ts';
import type { BuildRoots } from './collection/build-roots.ts';
import { requireFetchable, requireWithinLimit } from './closure-limit.ts';
import type { Contents, KnownPackages, Naming } from './known-packages.ts';
import { bytesToFetch } from './nix/bytes-to-fetch.ts';
import { closure } from './nix/closure.ts';
import type { Nix } from './nix/nix.ts';
import { realise } from './nix/realise.ts';
import { resolveAndKeep } from './collection/resolve-and-keep.ts';
import { fetchAndKeep } from './collection/fetch-and-keep.ts';
import { requireFound } from './resolution.ts';
import type { FoundRevision } from './source/found-revision.ts';
import type { PackageSources } from './source/package-sources.ts';

/** Answers packages that are in the store, kept there by `roots`. Throws what Nix and the package set have to say against them. */
export type GetContents = (
  request: ImageRequest,
  found: FoundRevision,
  roots: BuildRoots,
  report: (phase: Phase) => void,
  signal: AbortSignal,
) => Promise<Contents>;

export interface GetContentsParts {
  readonly nix: Nix;
  readonly packageSources: PackageSources;
  readonly knownPackages: KnownPackages;
  readonly settings: Pick<ImageSettings, 'contents' | 'importArguments'>;
  /** The most bytes that an image's packages may have with all that they need, unpacked. */
  readonly closureLimit: number;
}

function hasAll(known: Contents | undefined, wanted: readonly string[]): boolean {
  const found = new Set(known?.items.map(({ name }) => name));
  return wanted.every(name => found.has(name));
}

export function createGetContents({
  nix,
  packageSources,
  knownPackages,
  settings: { contents, importArguments },
  closureLimit,
}: GetContentsParts): GetContents {
  async function byNix(
    request: ImageRequest,
    found: FoundRevision,
    { system }: Naming,
    packages: readonly string[],
    roots: BuildRoots,
    report: (phase: Phase) => void,
    signal: AbortSignal,
  ): Promise<Contents> {
    const source = await fetchAndKeep(packageSources, roots, request.source, found, signal);
    const resolving = { source, system, packages, importArguments };
    const items = requireFound(await resolveAndKeep(nix, roots, resolving, { signal }), {
      asked: request.packages,
      contents,
    });

    report({ name: 'building' });
    const paths = items.map(({ path }) => path);
    requireFetchable(request.packages, await bytesToFetch(nix, paths, { signal }), closureLimit);
    await realise(nix, items, {
      signal,
      roots,
      onProgress: (done, of) => report({ name: 'building', done, of }),
      onWaiting: waits => report({ name: waits ? 'waiting' : 'building' }),
    });
    return { items, nodes: await closure(nix, paths, { signal }) };
  }

  return async (request, found, roots, report, signal) => {
    const names = [...new Set([...request.packages, ...contents, ...ALWAYS_PACKAGES])].toSorted(byCodeUnits);
    const [platform] = request.platforms;
    const system = nixSystemOf(platform);
    const naming = { source: request.source, revision: found.revision, system, importArguments };
    const recalled = await knownPackages.recall(naming, names, roots, signal);
    // What the package set is known not to have is passed over only where nobody wants it; Nix knows what to say of it.
    const known = hasAll(recalled, [...request.packages, ...contents]) ? recalled : undefined;
    const { items, nodes } = known ?? (await byNix(request, found, naming, names, roots, report, signal));
    requireWithinLimit(request.packages, nodes, closureLimit);
    if (known === undefined) await knownPackages.remember(naming, names, { items, nodes }, signal);
    return { items, nodes };
  };
}
