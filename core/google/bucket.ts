// The bucket of blobs: `blobs/sha256/<hex>`, content-addressed, so that an upload can be tried again by anyone.
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { IdempotencyStrategy, Storage, type File, type FileMetadata } from '@google-cloud/storage';
import pRetry from 'p-retry';
import { isSame, type StoredBlob } from '../blob-life.ts';
import { digestHex, type Digest } from '../digest.ts';
import { TransientError } from '../errors.ts';

/** From here on an upload is resumable; a smaller one goes in one request. Bytes. */
const RESUMABLE_FROM = 8 << 20;

/** Tries of one upload on top of the client's own: some of its errors end a transfer that is sound (a lost last answer). */
const RETRIES = 3;

/** What is to be stored under a digest: a finished file, or bytes at hand. */
export interface BlobContent {
  readonly digest: Digest;
  readonly size: number;
  /** Base 64 of the big-endian CRC32C. Cloud Storage refuses bytes that have another. */
  readonly crc32c: string;
  readonly from: { readonly file: string } | { readonly bytes: Uint8Array };
}

/** What lies in the bucket now; `isNew`: since this call, and `createdAt` by Cloud Storage's clock. Milliseconds. */
export type PutBlob = CreatedBlob & { readonly isNew: boolean };

export type CreatedBlob = StoredBlob & { readonly createdAt: number };

export type BlobBucket = ReturnType<typeof openBlobBucket>;

export function openBlobBucket(projectId: string, bucketName: string) {
  // Every write here is of content under its own name, so it may always be tried again. Said once for the client: its
  // own conditional strategy is switched off for good by the first call without a precondition.
  const retryOptions = { idempotencyStrategy: IdempotencyStrategy.RetryAlways };
  const bucket = new Storage({ projectId, retryOptions }).bucket(bucketName);
  // Not by the client that tries again: its streams end the process where the answer is 503 (snapshots.ts says how).
  const readOnce = new Storage({ projectId, retryOptions: { autoRetry: false } }).bucket(bucketName);

  /**
   * Writes the object where its generation is `expected` (0: there is none), and gives what Cloud Storage answers that it
   * has now. Undefined where it is another by now.
   */
  async function write(
    file: File,
    content: BlobContent,
    expected: number | string,
    signal?: AbortSignal,
  ): Promise<CreatedBlob | undefined> {
    const source =
      'file' in content.from ? createReadStream(content.from.file) : Readable.from([content.from.bytes]);
    try {
      await pipeline(
        source,
        file.createWriteStream({
          resumable: content.size >= RESUMABLE_FROM,
          preconditionOpts: { ifGenerationMatch: expected },
          // The service compares the checksum below; the client's own is a slow second opinion.
          validation: false,
          metadata: {
            crc32c: content.crc32c,
            contentType: 'application/octet-stream',
            cacheControl: 'public, max-age=31536000, immutable, no-transform',
          },
        }),
        { signal },
      );
      // The client keeps the answer there.
      return storedBlob(file.metadata);
    } catch (error) {
      signal?.throwIfAborted();
      if (isPreconditionFailed(error)) return undefined;
      throw new TransientError(`cannot store blob ${content.digest}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** As {@link write}, begun anew from the content where it breaks off: what is there by then is found by its name. */
  function persist(
    file: File,
    content: BlobContent,
    expected: number | string,
    signal?: AbortSignal,
  ): Promise<CreatedBlob | undefined> {
    return pRetry(() => write(file, content, expected, signal), {
      signal,
      retries: RETRIES,
      minTimeout: 200,
      randomize: true,
    });
  }

  /** Undefined where there is no object. */
  async function look(file: File): Promise<CreatedBlob | undefined> {
    try {
      const [metadata] = await file.getMetadata();
      return storedBlob(metadata);
    } catch (error) {
      if (hasCode(error, 404)) return undefined;
      throw new TransientError(`cannot look at ${file.name}: ${messageOf(error)}`, { cause: error });
    }
  }

  function fileOf(digest: Digest, within = bucket): File {
    return within.file(`blobs/sha256/${digestHex(digest)}`);
  }

  return {
    /**
     * Stores a blob, or finds that it is there. What is there is believed only with the right size and checksum;
     * anything else under this name is replaced. Throws a {@link TransientError}, and the signal's reason when that is
     * aborted: a worker that is to stop cannot wait for an upload of many minutes.
     */
    async put(content: BlobContent, signal?: AbortSignal): Promise<PutBlob> {
      const file = fileOf(content.digest);
      const written = await persist(file, content, 0, signal);
      const found = written ?? (await look(file));
      if (found !== undefined && isSame(found, content)) return { ...found, isNew: written !== undefined };
      const replaced = await persist(file, content, found?.generation ?? 0, signal);
      const standing = replaced ?? (await look(file));
      if (standing !== undefined && isSame(standing, content)) {
        return { ...standing, isNew: replaced !== undefined };
      }
      throw new TransientError(`blob ${content.digest} is not what was stored under its name`);
    },

    /** Writes the blob in place of the object of this generation. Undefined where that is not there any more. */
    replace(
      content: BlobContent,
      generation: string,
      signal?: AbortSignal,
    ): Promise<CreatedBlob | undefined> {
      return persist(fileOf(content.digest), content, generation, signal);
    },

    /** What lies under a digest, by its description. Undefined where nothing does. */
    look: (digest: Digest): Promise<CreatedBlob | undefined> => look(fileOf(digest)),

    /** What is stored under a digest, unchecked. The stream fails where nothing is, or Cloud Storage does not give it at once. */
    read: (digest: Digest): Readable =>
      fileOf(digest, readOnce).createReadStream({ decompress: false, validation: false }),

    /** Whether the bucket can be used at all: asked once, when a worker starts. */
    async exists(): Promise<boolean> {
      const [found] = await bucket.exists();
      return found;
    },
  };
}

function storedBlob({ size, crc32c, generation, timeCreated }: FileMetadata): CreatedBlob {
  return {
    size: Number(size),
    crc32c: crc32c ?? '',
    generation: String(generation),
    // Without a time it is of long ago.
    createdAt: timeCreated === undefined ? 0 : Date.parse(timeCreated),
  };
}

/** Google's client throws an ApiError where it sent one request, and the error of its HTTP library where the upload is resumable. */
function isPreconditionFailed(error: unknown): boolean {
  return hasCode(error, 412);
}

function hasCode(error: unknown, code: number): boolean {
  if (typeof error !== 'object' || error === null) return false;
  return ('code' in error && error.code === code) || ('status' in error && error.status === code);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
