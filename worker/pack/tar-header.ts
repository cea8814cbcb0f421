// The header of one tar entry: ustar, with a pax header before it where ustar cannot say it (POSIX.1-2017, pax).
import { isAscii, isUtf8 } from 'node:buffer';
import type { Owner } from '#core/owner.ts';

interface Named {
  /** Path in the archive: any bytes, no slash at either end. */
  readonly name: Buffer;
  /** Numbers of at most seven octal digits: there are no pax records for them. */
  readonly owner: Owner;
  /** Permission bits. */
  readonly mode: number;
}

export interface TarDirectory extends Named {
  readonly kind: 'directory';
}

export interface TarSymlink extends Named {
  readonly kind: 'symlink';
  readonly target: Buffer;
}

export interface TarFile extends Named {
  readonly kind: 'file';
  /** Bytes: what `content` gives, exactly. */
  readonly size: number;
  readonly content: () => Iterable<Buffer>;
}

export type TarEntry = TarDirectory | TarSymlink | TarFile;

/** Everything in a tar is in blocks of this many bytes. */
export const TAR_BLOCK = 512;

/** What ustar's fields hold, in bytes; the size has eleven octal digits. */
const NAME_LIMIT = 100;
const PREFIX_LIMIT = 155;
const SIZE_LIMIT = 8 ** 11;

const TYPE = { file: '0', symlink: '2', directory: '5', pax: 'x' } as const;

const NOTHING = Buffer.alloc(0);
const ZEROS = Buffer.alloc(TAR_BLOCK);

/**
 * The blocks before an entry's content. No names of users, and the time 1 that Nix gives its store, so that the
 * bytes follow from the entry alone. A path goes into `name`, or is split at its last possible slash into `prefix` and
 * `name`; what does not fit so, is not ASCII, or is 8 GiB or larger, has pax records.
 */
export function tarHeader(entry: TarEntry): Buffer {
  const name = entry.kind === 'directory' ? Buffer.concat([entry.name, Buffer.from('/')]) : entry.name;
  const target = entry.kind === 'symlink' ? entry.target : NOTHING;
  const size = entry.kind === 'file' ? entry.size : 0;
  const split = splitName(name);
  const records = [
    ...(split === undefined ? [paxRecord('path', name)] : []),
    ...(isPlain(target, NAME_LIMIT) ? [] : [paxRecord('linkpath', target)]),
    ...(size < SIZE_LIMIT ? [] : [paxRecord('size', Buffer.from(`${size}`))]),
  ];
  // Pax values are UTF-8 unless this record says otherwise.
  if (!isUtf8(name) || !isUtf8(target)) records.unshift(paxRecord('hdrcharset', Buffer.from('BINARY')));
  const header = ustar({
    type: TYPE[entry.kind],
    owner: entry.owner,
    mode: entry.mode,
    size: size < SIZE_LIMIT ? size : 0,
    target,
    ...(split ?? { prefix: NOTHING, name }),
  });
  return records.length === 0 ? header : Buffer.concat([paxHeader(Buffer.concat(records)), header]);
}

/** Zeros that fill `size` bytes up to whole blocks. */
export function tarPadding(size: number): Buffer {
  return ZEROS.subarray(0, (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK);
}

function isPlain(text: Buffer, limit: number): boolean {
  return text.length <= limit && isAscii(text);
}

/** A path as ustar has it, where it can: the slash between `prefix` and `name` is not written. */
function splitName(path: Buffer): { prefix: Buffer; name: Buffer } | undefined {
  if (isPlain(path, NAME_LIMIT)) return { prefix: NOTHING, name: path };
  const slash = path.lastIndexOf('/', Math.min(PREFIX_LIMIT, path.length - 2));
  const name = path.subarray(slash + 1);
  if (slash < 1 || !isPlain(path, Infinity) || name.length > NAME_LIMIT) return undefined;
  return { prefix: path.subarray(0, slash), name };
}

function paxHeader(body: Buffer): Buffer {
  const name = Buffer.from('././@PaxHeader');
  const header = ustar({
    type: TYPE.pax,
    owner: { uid: 0, gid: 0 },
    mode: 0o644,
    size: body.length,
    name,
    prefix: NOTHING,
    target: NOTHING,
  });
  return Buffer.concat([header, body, tarPadding(body.length)]);
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  const estimate = rest.length + `${rest.length}`.length;
  const length = rest.length + `${estimate}`.length;
  return Buffer.concat([Buffer.from(`${length}`), rest]);
}

interface UstarFields {
  readonly type: string;
  readonly owner: Owner;
  readonly mode: number;
  readonly size: number;
  /** Cut off where they are too long: a pax record has them whole. */
  readonly name: Buffer;
  readonly prefix: Buffer;
  readonly target: Buffer;
}

function ustar({ type, owner, mode, size, name, prefix, target }: UstarFields): Buffer {
  const block = Buffer.alloc(TAR_BLOCK);
  name.copy(block, 0, 0, NAME_LIMIT);
  octal(block, 100, 8, mode);
  octal(block, 108, 8, owner.uid);
  octal(block, 116, 8, owner.gid);
  octal(block, 124, 12, size);
  octal(block, 136, 12, 1); // mtime
  block.write(type, 156, 'latin1');
  target.copy(block, 157, 0, NAME_LIMIT);
  block.write('ustar\x0000', 257, 'latin1');
  octal(block, 329, 8, 0); // device, major
  octal(block, 337, 8, 0); // device, minor
  prefix.copy(block, 345);
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** Digits up to one byte before the field's end, which is a zero byte. */
function octal(block: Buffer, offset: number, length: number, value: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1');
}

/** The sum of the header's bytes, counted with spaces in the place of the sum itself. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (const byte of block) sum += byte;
  return sum;
}
