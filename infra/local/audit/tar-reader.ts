// Reads a tar as it comes: ustar with pax headers, which is what layers of ours are (POSIX.1-2017, pax).

export interface ReadEntry {
  readonly kind: 'file' | 'directory' | 'symbolic link' | `entry of type ${string}`;
  /** Bytes as latin1 text, as is `target`. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly size: number;
  readonly target: string;
  /** To be read, or left alone, before the next entry is asked for. */
  readonly content: AsyncIterable<Uint8Array>;
}

const BLOCK = 512;

const KINDS: Readonly<Record<string, ReadEntry['kind']>> = {
  '0': 'file',
  '\0': 'file',
  '2': 'symbolic link',
  '5': 'directory',
};

/** The entries in their order; what comes after the end of the tar is read, too. Throws where the bytes are no tar. */
export async function* readEntries(tar: AsyncIterable<Uint8Array>): AsyncGenerator<ReadEntry> {
  const bytes = new ByteReader(tar);
  let records = new Map<string, string>();
  for (;;) {
    const header = await bytes.take(BLOCK);
    if (header.every(byte => byte === 0)) return bytes.drain();
    requireChecksum(header);
    const type = text(header, 156, 1);
    const size = Number(records.get('size') ?? number(header, 124, 12));
    if (type === 'x') {
      records = parseRecords(await bytes.take(size));
      await bytes.skip(paddingOf(size));
      continue;
    }
    const content = bytes.portion(size);
    yield {
      kind: KINDS[type] ?? `entry of type ${type}`,
      path: records.get('path') ?? joined(text(header, 345, 155), text(header, 0, 100)),
      mode: number(header, 100, 8),
      uid: number(header, 108, 8),
      gid: number(header, 116, 8),
      time: number(header, 136, 12),
      size,
      target: records.get('linkpath') ?? text(header, 157, 100),
      content,
    };
    for await (const rest of content) void rest;
    await bytes.skip(paddingOf(size));
    records = new Map();
  }
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function joined(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** A field's text, up to the zero byte that ends it if it is not full. */
function text(header: Buffer, offset: number, length: number): string {
  return header.toString('latin1', offset, offset + length).replace(length === 1 ? '' : /\0.*$/s, '');
}

function number(header: Buffer, offset: number, length: number): number {
  const digits = text(header, offset, length).trim();
  if (/^[0-7]*$/.test(digits)) return Number.parseInt(digits || '0', 8);
  throw new Error('the layer is a tar with numbers that are not octal');
}

function requireChecksum(header: Buffer): void {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (number(header, 148, 8) !== sum) throw new Error('the layer is no tar, or a broken one');
}

/** `<length> <key>=<value>\n`, one after the other. */
function parseRecords(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(' ', at);
    const length = Number(body.toString('latin1', at, space));
    if (space < 0 || !(length > 0)) throw new Error('the layer is a tar with a broken pax header');
    const [, key = '', value = ''] =
      /^([^=]*)=(.*)\n$/s.exec(body.toString('latin1', space + 1, at + length)) ?? [];
    records.set(key, value);
    at += length;
  }
  return records;
}

/** Bytes in portions of any size from chunks of any size. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes, at once. */
  async take(size: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.portion(size)) parts.push(part);
    return Buffer.concat(parts, size);
  }

  async skip(size: number): Promise<void> {
    for await (const part of this.portion(size)) void part;
  }

  /** Reads to the end of everything. */
  async drain(): Promise<void> {
    while ((await this.#chunks.next()).done !== true);
  }

  /** The next so many bytes, as they come. What has been read of them is not given again. */
  portion(size: number): AsyncIterable<Uint8Array> {
    let left = size;
    const next = async (): Promise<IteratorResult<Uint8Array>> => {
      if (left === 0) return { done: true, value: undefined };
      while (this.#chunk.length === 0) {
        const { done, value } = await this.#chunks.next();
        if (done === true) throw new Error('the layer is a tar that ends too early');
        this.#chunk = value;
      }
      const part = this.#chunk.subarray(0, left);
      this.#chunk = this.#chunk.subarray(part.length);
      left -= part.length;
      return { done: false, value: part };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }
}
