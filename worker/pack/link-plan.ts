// Which links an image has at its root: the folders of several outputs merged into one tree. Pure.
import { PermanentError } from '#core/errors.ts';
import { byCodeUnits } from '#core/order.ts';
import { storePathName, type StorePath } from '#core/store-path.ts';
import { resolveFolder, type OutputTree } from './output-tree.ts';

/** An output that was asked for. */
export interface Output {
  readonly storePath: StorePath;
  /** The package's `meta.priority`: of two with the same file, the lower number wins. */
  readonly priority: number;
}

/** An output with the names that are in it. */
export interface ReadOutput extends Output {
  readonly tree: OutputTree;
}

export type PlannedNode =
  | { readonly kind: 'directory' }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'file'; readonly content: string };

/** Path in the image, without a slash at its start, in the form of {@link OutputTree}'s names. */
export type RootPlan = Map<string, PlannedNode>;

/**
 * Top-level folders that stay in the store: Nix's notes for builders, and what the store or the container's runtime
 * has at that place.
 */
const LEFT_OUT = new Set(['nix-support', 'nix', 'dev', 'proc', 'sys']);

/** A few times as many as anything real has. Links that lead to folders full of links could make billions of a small package. */
const PLAN_LIMIT = 1_000_000;

/**
 * Merges the top-level folders of `outputs`. Directories are real, what is in them is links into the store. A link to a
 * folder of the same output (`sbin -> bin`) counts as that folder; other links are linked as they are.
 *
 * Two outputs with the same path: a directory beats a file or link, whoever brings it (one name is lost, not a tree).
 * Else the first {@link byPrecedence} wins. The order of `outputs` does not matter. Throws a {@link PermanentError} where there
 * are more than `limit` nodes.
 */
export function planLinks(outputs: readonly ReadOutput[], limit = PLAN_LIMIT): RootPlan {
  const plan: RootPlan = new Map();
  for (const output of outputs.toSorted(byPrecedence)) {
    for (const [path, kind] of linkable(output)) {
      claim(plan, path, kind === 'link' ? { kind, target: `${output.storePath}/${path}` } : { kind });
      if (plan.size > limit) {
        const message = `the image would have more than ${limit} links at its root: too many are in ${output.storePath}`;
        throw new PermanentError({ kind: 'build_failed', message });
      }
    }
  }
  return plan;
}

/**
 * The order that settles conflicts between files of several packages: by priority, the lower number first, as in nixpkgs'
 * buildEnv; then by the store path's name; then by the whole store path. How a package was spelled, or when it was named,
 * does not matter.
 */
export function byPrecedence(a: Output, b: Output): number {
  return (
    a.priority - b.priority ||
    byCodeUnits(storePathName(a.storePath), storePathName(b.storePath)) ||
    byCodeUnits(a.storePath, b.storePath)
  );
}

/** Adds a node to the plan unless its path is taken, by the rule of {@link planLinks}. */
export function claim(plan: RootPlan, path: string, node: PlannedNode): void {
  const taken = plan.get(path);
  if (taken === undefined || node.kind === 'directory') plan.set(path, node);
}

interface Visit {
  readonly path: string;
  readonly folder: OutputTree;
  /** Whether a link was followed on the way here: then no other is, which rules out endless ways. */
  readonly followed: boolean;
}

/** The paths of an output that go into the image, each folder before what is in it, and what they become there. */
function* linkable({ storePath, tree }: ReadOutput): Generator<[path: string, kind: 'directory' | 'link']> {
  const waiting: Visit[] = [{ path: '', folder: tree, followed: false }];
  for (let visit = waiting.pop(); visit !== undefined; visit = waiting.pop()) {
    const { path: above, followed } = visit;
    for (const [name, node] of visit.folder) {
      const path = above === '' ? name : `${above}/${name}`;
      const isFollowed = node.kind === 'symlink' && !followed;
      const linked = isFollowed ? resolveFolder(tree, storePath, path) : undefined;
      const folder = node.kind === 'directory' ? node.children : linked;
      if (above === '' && (folder === undefined || LEFT_OUT.has(name))) continue;
      yield [path, folder === undefined ? 'link' : 'directory'];
      if (folder !== undefined) waiting.push({ path, folder, followed: followed || isFollowed });
    }
  }
}
