// What a layer of store paths holds.
import { byCodeUnits } from '#core/order.ts';
import type { Owner } from '#core/owner.ts';
import type { StorePath } from '#core/store-path.ts';
import { requireUndeleted } from '../nix/deletion.ts';
import type { TarEntry } from './tar-header.ts';
import { newReadBuffer, walk, type FoundNode } from './walk.ts';

/** Where a store path lies on this machine: elsewhere than its name says in a store of its own (chroot store). */
export type RealPath = (path: StorePath) => string;

/**
 * The entries of a layer of `paths`, whatever their order: `nix/` and `nix/store/`, then every path with all that is in
 * it. Modes are those of the Nix store: files 0444, or 0555 where the owner may execute them, and no set-user-id.
 * Read while it is iterated; errors as {@link walk} and {@link requireUndeleted} have them.
 */
export function* storeEntries(
  paths: readonly StorePath[],
  { realPath, owner }: { readonly realPath: RealPath; readonly owner: Owner },
): Generator<TarEntry> {
  for (const folder of ['nix', 'nix/store']) {
    yield { kind: 'directory', name: Buffer.from(folder), owner, mode: 0o755 };
  }
  const buffer = newReadBuffer();
  for (const path of paths.toSorted(byCodeUnits)) {
    const name = path.slice('/'.length);
    const real = realPath(path);
    for (const node of walk(real, buffer)) yield toEntry(name, node, owner);
    requireUndeleted(real);
  }
}

function toEntry(storePath: string, node: FoundNode, owner: Owner): TarEntry {
  const name =
    node.path.length === 0
      ? Buffer.from(storePath)
      : Buffer.concat([Buffer.from(`${storePath}/`), node.path]);
  switch (node.kind) {
    case 'directory':
      return { kind: 'directory', name, owner, mode: 0o555 };
    case 'symlink':
      return { kind: 'symlink', name, owner, mode: 0o777, target: node.target };
    case 'file':
      return {
        kind: 'file',
        name,
        owner,
        mode: node.executable ? 0o555 : 0o444,
        size: node.size,
        content: node.read,
      };
  }
}
