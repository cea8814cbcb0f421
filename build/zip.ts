// A zip archive whose bytes follow from its files alone (PKWARE's APPNOTE.TXT, 4.3): no times, no owners, one mode.
import { crc32, deflateRawSync } from 'node:zlib';

export interface ArchivedFile {
  /** Path in the archive, with slashes between. */
  readonly path: string;
  readonly content: Buffer;
}

/** Version 2.0: folders and deflate. By a program for Unix, whose modes are in the upper half of the attributes. */
const VERSION = 20;
const MADE_ON_UNIX = (3 << 8) | VERSION;
const UTF8_NAMES = 1 << 11;
const DEFLATED = 8;
/** 1980-01-01 00:00, the first moment that a zip can tell. */
const TIME = 0;
const DATE = (1 << 5) | 1;
/** A regular file that everyone may read. */
const ATTRIBUTES = (0o100644 << 16) >>> 0;

/** The archive of `files`, in their order. It is for small ones: below 4 GiB, and fewer than 65,536. */
export function zip(files: readonly ArchivedFile[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { path, content } of files) {
    const name = Buffer.from(path);
    const deflated = deflateRawSync(content, { level: 9 });
    const common = commonFields(name, content, deflated);
    const local = Buffer.concat([uint32(0x04034b50), uint16(VERSION), common, name]);
    directory.push(uint32(0x02014b50), uint16(MADE_ON_UNIX, VERSION), common);
    // No comment, on the first disk, no internal attributes.
    directory.push(uint16(0, 0, 0), uint32(ATTRIBUTES, offset), name);
    parts.push(local, deflated);
    offset += local.length + deflated.length;
  }
  const index = Buffer.concat(directory);
  const count = files.length;
  const end = [uint32(0x06054b50), uint16(0, 0, count, count), uint32(index.length, offset), uint16(0)];
  return Buffer.concat([...parts, index, ...end]);
}

/** What a file's local header and its entry in the directory have in common. */
function commonFields(name: Buffer, content: Buffer, deflated: Buffer): Buffer {
  return Buffer.concat([
    uint16(UTF8_NAMES, DEFLATED, TIME, DATE),
    uint32(crc32(content), deflated.length, content.length),
    uint16(name.length, 0),
  ]);
}

function uint16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt16LE(value, 2 * index);
  return bytes;
}

function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return bytes;
}
