// multipart/related with exactly two parts, as Cloud Storage takes it. Read as it comes: what is uploaded so is not held in
// memory, let alone twice, since it is all that a first image's layers are made of.
import { invalid } from './errors.ts';
import { readBody } from './exchange.ts';

export interface MultipartUpload {
  readonly metadata: Buffer;
  readonly media: {
    readonly contentType?: string;
    /** Throws 400 where they, or the body after them, do not end as they should. */
    readonly bytes: AsyncIterable<Buffer>;
  };
}

const LINE = Buffer.from('\r\n');
const EMPTY_LINE = Buffer.from('\r\n\r\n');

/** What comes before the media's bytes may have so many. */
const HEAD_LIMIT = 1 << 20;

/** Takes a body apart (RFC 2046, 5.1), down to where the media's bytes begin. 400 where it has not exactly two parts or does not end. */
export async function readMultipart(
  contentType: string | undefined,
  body: AsyncIterable<Buffer>,
): Promise<MultipartUpload> {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType ?? '') ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw invalid('A multipart upload needs a boundary in its Content-Type.');
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const text = new MarkedText(body);
  await text.short(delimiter);
  await partHead(text, delimiter);
  const metadata = await text.short(delimiter);
  const head = await partHead(text, delimiter);
  const [, type] = /^content-type:[ \t]*(.*\S)/im.exec(head) ?? [];
  const bytes = mediaBytes(text, delimiter);
  return { metadata, media: type === undefined ? { bytes } : { contentType: type, bytes } };
}

/** The rest of the boundary's line and the headers of a part. */
async function partHead(text: MarkedText, delimiter: Buffer): Promise<string> {
  const head = await text.short(EMPTY_LINE);
  // A boundary with `--` behind it is the last.
  if (head.subarray(0, 2).equals(Buffer.from('--'))) throw malformed('it has not two parts');
  if (head.includes(delimiter)) throw malformed('a part has no empty line after its headers');
  return head.toString('latin1');
}

async function* mediaBytes(text: MarkedText, delimiter: Buffer): AsyncGenerator<Buffer, void, void> {
  yield* text.until(delimiter);
  if (!(await text.begins('--'))) throw malformed('it has not two parts');
}

/** A text that is read from mark to mark. */
class MarkedText {
  readonly #chunks: AsyncIterator<Buffer>;
  /** Every boundary begins a line; the first may do so without a line before it. */
  #held: Buffer = LINE;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** All up to the next mark, which is passed over. */
  async *until(mark: Buffer): AsyncGenerator<Buffer, void, void> {
    for (;;) {
      const at = this.#held.indexOf(mark);
      const end = at < 0 ? this.#held.length - partOf(mark, this.#held) : at;
      if (end > 0) yield this.#held.subarray(0, end);
      this.#held = this.#held.subarray(at < 0 ? end : end + mark.length);
      if (at >= 0) return;
      await this.#more();
    }
  }

  /** The same, where it is not to be long. */
  short(mark: Buffer): Promise<Buffer> {
    return readBody(this.until(mark), HEAD_LIMIT, 'The metadata of a multipart upload may have 1 MiB.');
  }

  /** Whether it goes on with these bytes. */
  async begins(ascii: string): Promise<boolean> {
    while (this.#held.length < ascii.length) await this.#more();
    return this.#held.toString('latin1', 0, ascii.length) === ascii;
  }

  async #more(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done === true) throw malformed('it does not end with its boundary');
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
  }
}

/** How many bytes at the end of `text` may be the beginning of `mark`. */
function partOf(mark: Buffer, text: Buffer): number {
  const from = Math.max(0, text.length - mark.length + 1);
  const first = text.indexOf(mark.subarray(0, 1), from);
  return first < 0 ? 0 : text.length - first;
}

function malformed(why: string): Error {
  return invalid(`Malformed multipart body: ${why}.`);
}
