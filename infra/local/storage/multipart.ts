// multipart/related with exactly two parts, as Cloud Storage takes it.
import { invalid } from './errors.ts';

export interface MultipartUpload {
  readonly metadata: Buffer;
  readonly media: { readonly contentType?: string; readonly bytes: Buffer };
}

const LINE = Buffer.from('\r\n');

/** Takes a body apart (RFC 2046, 5.1). 400 where it has not exactly two parts or does not end. */
export function splitMultipart(contentType: string | undefined, body: Buffer): MultipartUpload {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType ?? '') ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw invalid('A multipart upload needs a boundary in its Content-Type.');
  // Every boundary begins a line; the first may do so without a line before it.
  const text = Buffer.concat([LINE, body]);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const parts: Part[] = [];
  let at = text.indexOf(delimiter);
  for (;;) {
    if (at < 0) throw invalid('Malformed multipart body: it does not end with its boundary.');
    const begin = at + delimiter.length;
    if (text.toString('latin1', begin, begin + 2) === '--') break;
    at = text.indexOf(delimiter, begin);
    if (at >= 0) parts.push(parsePart(text.subarray(begin, at)));
  }
  const [metadata, media, ...others] = parts;
  if (metadata === undefined || media === undefined || others.length > 0) {
    throw invalid(`Malformed multipart body: ${parts.length} parts instead of 2.`);
  }
  return { metadata: metadata.bytes, media };
}

type Part = MultipartUpload['media'];

/** A part: the rest of the boundary's line, its headers, an empty line, its bytes. */
function parsePart(part: Buffer): Part {
  const end = part.indexOf('\r\n\r\n');
  if (end < 0) throw invalid('Malformed multipart body: a part has no empty line after its headers.');
  const [, contentType] = /^content-type:[ \t]*(.*\S)/im.exec(part.toString('latin1', 0, end)) ?? [];
  const bytes = part.subarray(end + 4);
  return contentType === undefined ? { bytes } : { contentType, bytes };
}
