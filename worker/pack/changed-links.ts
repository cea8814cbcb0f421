// The layer of links as the deployment's extra commands left it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from '#core/owner.ts';
import { requireUndeleted } from '../nix/deletion.ts';
import type { TarEntry } from './tar-header.ts';
import { walk, type FoundNode } from './walk.ts';

/**
 * The entries of a tree that nix/extra-commands.sh left at the real path `root`, in the order of {@link walk}. `ownerOf`
 * tells for each path, as latin1 text, whom it belongs to. Read while it is iterated; errors as {@link walk} has them.
 */
export function* changedLinks(root: string, ownerOf: (path: string) => Owner): Generator<TarEntry> {
  const modes = readModes(join(root, 'modes'));
  for (const node of walk(join(root, 'tree'))) {
    const path = node.path.toString('latin1');
    if (path === '') continue;
    const mode = modes.get(path);
    if (mode === undefined) throw new Error(`there are no permission bits for ${JSON.stringify(path)}`);
    yield toEntry(node, mode, ownerOf(path));
  }
  requireUndeleted(root);
}

/** `<octal digits> <path>`, each ended by a zero byte. */
function readModes(file: string): Map<string, number> {
  const records = readFileSync(file, 'latin1').split('\0').slice(0, -1);
  return new Map(
    records.map(record => {
      const space = record.indexOf(' ');
      return [record.slice(space + 1), Number.parseInt(record.slice(0, space), 8)];
    }),
  );
}

function toEntry(node: FoundNode, mode: number, owner: Owner): TarEntry {
  const name = node.path;
  switch (node.kind) {
    case 'directory':
      return { kind: 'directory', name, owner, mode };
    case 'symlink':
      return { kind: 'symlink', name, owner, mode: 0o777, target: node.target };
    case 'file':
      return { kind: 'file', name, owner, mode, size: node.size, content: node.read };
  }
}
