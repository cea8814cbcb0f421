// What a layer brings of a soak's packages: each has a file with one line that says which package it is, and of which version.
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { readEntries } from '#local/audit/tar-reader.ts';

const SOAK_LINE = /^nix\/store\/[^/-]+-(?<name>[^/]+)\/soak-line$/;

/** The diff id of a layer, and the lines by their packages. */
export async function linesOf(
  layer: Buffer,
): Promise<{ diffId: string; lines: Readonly<Record<string, string>> }> {
  const tar = gunzipSync(layer);
  const lines: Record<string, string> = {};
  for await (const { path, kind, content } of readEntries(asStream(tar))) {
    const name = SOAK_LINE.exec(path)?.groups?.['name'];
    if (kind !== 'file' || name === undefined) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    lines[name] = Buffer.concat(chunks).toString().trim();
  }
  return { diffId: `sha256:${createHash('sha256').update(tar).digest('hex')}`, lines };
}

async function* asStream(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}
