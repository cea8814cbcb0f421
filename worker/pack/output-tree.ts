// The names in one output and what they are, without the bytes: what links are planned from.
import type { StorePath } from '#core/store-path.ts';
import { requireUndeleted } from '../nix/deletion.ts';
import { walk } from './walk.ts';

/**
 * A folder's names, in order. Names and targets are bytes as latin1 text, one character a byte: so every name is a key,
 * and the order of the characters is that of the bytes.
 */
export type OutputTree = ReadonlyMap<string, OutputNode>;

export type OutputNode =
  | { readonly kind: 'directory'; readonly children: OutputTree }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'file' };

/**
 * Reads the tree of the store path that lies at `real`; an output that is a single file has no names. Errors as {@link walk} and
 * {@link requireUndeleted} have them.
 */
export function readOutputTree(real: string): OutputTree {
  const root = new Map<string, OutputNode>();
  const folders = new Map([['', root]]);
  for (const node of walk(real)) {
    const path = node.path.toString('latin1');
    if (path === '') continue;
    const slash = path.lastIndexOf('/');
    const parent = folders.get(path.slice(0, Math.max(slash, 0)));
    const name = path.slice(slash + 1);
    if (node.kind === 'directory') {
      const children = new Map<string, OutputNode>();
      folders.set(path, children);
      parent?.set(name, { kind: 'directory', children });
    } else if (node.kind === 'symlink') {
      parent?.set(name, { kind: 'symlink', target: node.target.toString('latin1') });
    } else {
      parent?.set(name, { kind: 'file' });
    }
  }
  requireUndeleted(real);
  return root;
}

/** As many links as Linux follows on one way (path_resolution(7)). */
const LINK_LIMIT = 40;

/** Many times as many names as any way has that leads somewhere; each link may bring some thousands. */
const NAME_LIMIT = 500;

/**
 * The folder that the link at `path` leads to, if the whole way stays in this tree. Undefined for one that leads to a
 * file, to nothing, out of the tree, in circles, to a folder that it lies in (`include/ncurses -> .`), or that has no end to
 * speak of.
 */
export function resolveFolder(tree: OutputTree, storePath: StorePath, path: string): OutputTree | undefined {
  const waiting = path.split('/').reverse();
  let trail = [tree];
  let links = 0;
  let names = 0;
  let above: readonly OutputTree[] = [];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if ((names += 1) > NAME_LIMIT) return undefined;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      trail.pop();
      if (trail.length === 0) return undefined;
      continue;
    }
    const node = trail.at(-1)?.get(name);
    if (node === undefined || node.kind === 'file') return undefined;
    if (node.kind === 'directory') {
      trail.push(node.children);
      continue;
    }
    if (links === 0) above = [...trail];
    links += 1;
    const target = withinTree(node.target, storePath);
    if (target === undefined || links > LINK_LIMIT) return undefined;
    if (node.target.startsWith('/')) trail = [tree];
    waiting.push(...target.split('/').reverse());
  }
  const folder = trail.at(-1);
  return folder === undefined || above.includes(folder) ? undefined : folder;
}

/** A relative target as it is, an absolute one from the top of the store path; undefined for one outside. */
function withinTree(target: string, storePath: StorePath): string | undefined {
  if (!target.startsWith('/')) return target;
  return `${target}/`.startsWith(`${storePath}/`) ? target.slice(storePath.length) : undefined;
}
