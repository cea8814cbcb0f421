// What a process prints, as text in pieces of bounded length.

/** The text of UTF-8 bytes; what is none becomes the replacement character. */
export async function* textOf(chunks: AsyncIterable<string | Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    yield typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
  }
  yield decoder.decode();
}

/** The lines, without their ends; of each the first `limit` characters: no more is ever kept of one that has no end. */
export async function* linesOf(
  chunks: AsyncIterable<string | Uint8Array>,
  limit: number,
): AsyncGenerator<string> {
  let line = '';
  for await (const text of textOf(chunks)) {
    const [rest = '', ...next] = text.split('\n');
    line = (line + rest).slice(0, limit);
    for (const part of next) {
      yield line.replace(/\r$/, '');
      line = part.slice(0, limit);
    }
  }
  if (line !== '') yield line;
}
