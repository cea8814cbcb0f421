// What is in a layer, by path, with digests in the place of contents.
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { digestFromHex, type Digest } from '#core/digest.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { StartError } from '../start-error.ts';
import { readEntries } from './tar-reader.ts';

/** One entry of a layer, in words that can be compared: its kind, mode, owner and time, and its content. */
export interface Listed {
  readonly kind: string;
  readonly mode: string;
  readonly owner: string;
  readonly time: string;
  /** A file's size and digest, a link's target; empty for the rest. */
  readonly content: string;
}

/** By path, without slashes at its ends, as latin1 text. */
export type Listing = Map<string, Listed>;

/**
 * Lists a layer. Throws where its bytes are not those of its digest, and where it is no tar, or one of a form that no layer
 * of ours has.
 */
export async function listLayer(
  { digest, mediaType }: { readonly digest: Digest; readonly mediaType: string },
  blob: Readable,
): Promise<Listing> {
  const listing: Listing = new Map();
  const blobHash = createHash('sha256');
  const tar = mediaType === MEDIA_TYPES.zstdLayer ? createZstdDecompress() : createGunzip();
  const read = pipeline(
    blob,
    async function* hashed(chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        blobHash.update(chunk);
        yield chunk;
      }
    },
    tar,
  );
  // It is awaited below; until then, an error must not count as one that nobody handles.
  read.catch(() => {});
  for await (const entry of readEntries(tar)) {
    const { kind, path, mode, uid, gid, time, size, target, content } = entry;
    const hash = createHash('sha256');
    for await (const bytes of content) hash.update(bytes);
    listing.set(path.replace(/\/+$/, ''), {
      kind,
      mode: mode.toString(8).padStart(4, '0'),
      owner: `${uid}:${gid}`,
      time: String(time),
      content: kind === 'file' ? `${size} bytes, sha256 ${hash.digest('hex').slice(0, 16)}…` : target,
    });
  }
  await read;
  if (digestFromHex(blobHash.digest('hex')) !== digest) throw wrongBytes(digest);
  return listing;
}

/** Nobody could use such a blob: clients compare, too. */
export function wrongBytes(digest: Digest): StartError {
  return new StartError(`The bucket has other bytes than those of ${digest} under that name.`);
}
