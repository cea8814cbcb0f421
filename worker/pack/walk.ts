// Reading a file tree of the store from the disk.
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { PermanentError, TransientError } from '#core/errors.ts';

/** A node of a tree. Paths are bytes: a file name need not be UTF-8. */
export type FoundNode = {
  /** Path below the root; empty for the root itself. */
  readonly path: Buffer;
} & (
  | { readonly kind: 'directory' }
  | { readonly kind: 'symlink'; readonly target: Buffer }
  | {
      readonly kind: 'file';
      readonly size: number;
      readonly executable: boolean;
      readonly read: () => Iterable<Buffer>;
    }
);

/** Bytes read at once. */
const READ_SIZE = 1 << 20;

const ROOT = Buffer.alloc(0);

/**
 * The nodes of the tree at the real path `root`, each directory before what it holds, the names of a directory in the
 * order of their bytes. Links are never followed. Each hard link is a file of its own: whether the store has equal
 * files joined is not to be seen.
 *
 * Throws a {@link TransientError} for what cannot be read, and a {@link PermanentError} for a node that an image
 * cannot have: a device, a socket, a named pipe.
 */
export function* walk(root: string): Generator<FoundNode> {
  const real = (path: Buffer) => join(Buffer.from(root), path);
  // A stack in place of recursion: a deep tree costs no deep calls.
  const waiting: Buffer[] = [ROOT];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const node = readNode(path, real(path));
    yield node;
    if (node.kind === 'directory') {
      const names = reading(real(path), place => readdirSync(place, { encoding: 'buffer' }));
      for (const name of names.sort((a, b) => b.compare(a))) waiting.push(join(path, name));
    }
  }
}

function readNode(path: Buffer, real: Buffer): FoundNode {
  const stats = reading(real, place => lstatSync(place));
  if (stats.isDirectory()) return { kind: 'directory', path };
  if (stats.isSymbolicLink()) {
    return {
      kind: 'symlink',
      path,
      target: reading(real, place => readlinkSync(place, { encoding: 'buffer' })),
    };
  }
  if (stats.isFile()) {
    const executable = (stats.mode & constants.S_IXUSR) !== 0;
    return { kind: 'file', path, size: stats.size, executable, read: () => readWhole(real, stats.size) };
  }
  throw new PermanentError({
    kind: 'build_failed',
    message: `${real.toString()} is neither a file nor a directory nor a symbolic link: it cannot be in an image`,
  });
}

/** The bytes of a file, which must be `size` many: the header before them has said so. */
function* readWhole(real: Buffer, size: number): Generator<Buffer> {
  const file = reading(real, place => openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW));
  try {
    for (let left = size; ;) {
      // One byte more than is expected, so that a file that grew shows.
      const buffer = Buffer.allocUnsafe(Math.min(left + 1, READ_SIZE));
      const count = reading(real, () => readSync(file, buffer));
      if (count === 0 && left === 0) return;
      if (count === 0 || count > left) {
        throw new TransientError(`${real.toString()} changed its size while it was packed`);
      }
      yield buffer.subarray(0, count);
      left -= count;
    }
  } finally {
    closeSync(file);
  }
}

function reading<T>(place: Buffer, read: (place: Buffer) => T): T {
  try {
    return read(place);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TransientError(`a part of the store cannot be read: ${why}`, { cause });
  }
}

function join(folder: Buffer, name: Buffer): Buffer {
  if (folder.length === 0 || name.length === 0) return folder.length === 0 ? name : folder;
  return Buffer.concat([folder, Buffer.from('/'), name]);
}
