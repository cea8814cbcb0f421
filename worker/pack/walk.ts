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
      /** The bytes in portions, each good until the next is asked for, of this or another file of the tree. */
      readonly read: () => Iterable<Buffer>;
    }
);

/** Bytes read at once: what a core's cache holds until they are copied. */
const READ_SIZE = 1 << 18;

const ROOT = Buffer.alloc(0);

/** How names begin by which a layer deletes what lies below it (OCI image specification, "Whiteouts"): no file can have one. */
const WHITEOUT = '.wh.';

/** A directory whose names are being gone through. */
interface OpenDirectory {
  readonly path: Buffer;
  /** Those to come, as latin1 text, one character a byte: the last is the next. */
  readonly names: string[];
}

/**
 * The nodes of the tree at the real path `root`, each directory before what it holds, the names of a directory in the
 * order of their bytes. Links are never followed. Each hard link is a file of its own: whether the store has equal
 * files joined is not to be seen. Memory is bounded by the names of the directories on one way down. Files are read by
 * way of `buffer`, which several walks may share that are not interleaved: memory of its own for each file would cost more
 * than to read it.
 *
 * Throws a {@link TransientError} for what cannot be read, and a {@link PermanentError} for a node that an image
 * cannot have: a device, a socket, a named pipe, a whiteout.
 */
export function* walk(root: string, buffer = newReadBuffer()): Generator<FoundNode> {
  const real = (path: Buffer) => join(Buffer.from(root), path);
  const top = readNode(ROOT, real(ROOT), buffer);
  yield top;
  // A stack in place of recursion: a deep tree costs no deep calls.
  const open: OpenDirectory[] = top.kind === 'directory' ? [openDirectory(ROOT, real(ROOT))] : [];
  for (let directory = open.at(-1); directory !== undefined; directory = open.at(-1)) {
    const name = directory.names.pop();
    if (name === undefined) {
      open.pop();
      continue;
    }
    const path = join(directory.path, Buffer.from(name, 'latin1'));
    if (name.startsWith(WHITEOUT)) throw unfit(real(path), 'has a name with which layers delete files');
    const node = readNode(path, real(path), buffer);
    yield node;
    if (node.kind === 'directory') open.push(openDirectory(path, real(path)));
  }
}

/** What files are read by way of. */
export function newReadBuffer(): Buffer {
  return Buffer.allocUnsafeSlow(READ_SIZE);
}

function openDirectory(path: Buffer, real: Buffer): OpenDirectory {
  const names = reading(real, place => readdirSync(place, { encoding: 'latin1' }));
  return { path, names: names.sort().reverse() };
}

function readNode(path: Buffer, real: Buffer, buffer: Buffer): FoundNode {
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
    return {
      kind: 'file',
      path,
      size: stats.size,
      executable,
      read: () => readWhole(real, stats.size, buffer),
    };
  }
  throw unfit(real, 'is neither a file nor a directory nor a symbolic link');
}

function unfit(real: Buffer, what: string): PermanentError {
  return new PermanentError({
    kind: 'build_failed',
    message: `${real.toString()} ${what}: it cannot be in an image`,
  });
}

/** The bytes of a file, by way of `buffer`. They must be `size` many: the header before them has said so. */
function* readWhole(real: Buffer, size: number, buffer: Buffer): Generator<Buffer> {
  const file = reading(real, place => openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW));
  try {
    for (let left = size; ;) {
      // One byte more than is expected, so that a file that grew shows: only at its end is less read than was asked for.
      const wanted = Math.min(left + 1, buffer.length);
      const count = reading(real, () => readSync(file, buffer, 0, wanted, null));
      if (count > left || (count === 0 && left > 0)) {
        throw new TransientError(`${real.toString()} changed its size while it was packed`);
      }
      left -= count;
      if (count > 0) yield buffer.subarray(0, count);
      if (left === 0 && count < wanted) return;
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
