// Bytes for the compressors.

/** Bytes that compress about as programs do: words from a small vocabulary, drawn by a fixed generator. */
export function sample(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  const next = () => (state = Math.imul(state, 1_664_525) + 1_013_904_223) >>> 16;
  for (let at = 0; at < length;) {
    const word = next() % 4096;
    for (let count = 1 + (word % 7); count > 0 && at < length; count--, at++)
      bytes[at] = (word * count) >>> 3;
  }
  return bytes;
}
