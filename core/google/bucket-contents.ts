// What lies in the bucket, object by object, and its end: for the janitor, which goes by names where others go by digests.
import { IdempotencyStrategy, Storage, type File } from '@google-cloud/storage';
import { z } from 'zod';
import type { StoredBlob } from '../blob-life.ts';
import { digestFromHex, digestHex, type Digest } from '../digest.ts';
import { TransientError } from '../errors.ts';
import type { Page } from './pages.ts';

export interface FoundObject extends StoredBlob {
  readonly name: string;
  /** When this generation was written, by Cloud Storage's clock, in milliseconds. */
  readonly createdAt: number;
  /** What whoever wrote it noted. */
  readonly notes: Readonly<Record<string, string>>;
}

const metadataSchema = z.object({
  name: z.string(),
  size: z.coerce.number(),
  crc32c: z.string(),
  generation: z.coerce.string(),
  timeCreated: z.string(),
  metadata: z.record(z.string(), z.string()).default({}),
});

/** Begins the names of all blobs in the bucket. */
export const BLOBS_PREFIX = 'blobs/sha256/';

/** Where the object of a blob is. */
export function blobName(digest: Digest): string {
  return `${BLOBS_PREFIX}${digestHex(digest)}`;
}

/** The digest that an object below {@link BLOBS_PREFIX} is named by. Undefined where the name is none of ours. */
export function digestNamed(name: string): Digest | undefined {
  const [, hex] = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name) ?? [];
  return hex === undefined ? undefined : digestFromHex(hex);
}

export type BucketContents = ReturnType<typeof openBucketContents>;

export function openBucketContents(projectId: string, bucketName: string) {
  // Deletes are of a generation: tried again they find that it is gone.
  const retryOptions = { idempotencyStrategy: IdempotencyStrategy.RetryAlways };
  const bucket = new Storage({ projectId, retryOptions }).bucket(bucketName);
  return {
    /** Objects below a prefix in the order of their names, from behind a name on: about so many. */
    async list(prefix: string, behind: string | undefined, size: number): Promise<Page<FoundObject>> {
      // An offset is listed itself, where it is still there.
      const query = {
        prefix,
        ...(behind !== undefined && { startOffset: behind }),
        maxResults: size + 1,
        autoPaginate: false,
      };
      const [files, following] = await bucket.getFiles(query).catch((error: unknown) => {
        throw new TransientError(`cannot list ${prefix} in the bucket`, { cause: error });
      });
      const items = files.map(foundObject).filter(({ name }) => name !== behind);
      const isLast = following === null || following === undefined;
      return { items, next: isLast ? undefined : items.at(-1)?.name };
    },

    /** What is under a name now. */
    async look(name: string): Promise<FoundObject | undefined> {
      const file = bucket.file(name);
      try {
        await file.getMetadata();
      } catch (error) {
        if (hasCode(error, 404)) return undefined;
        throw new TransientError(`cannot look at ${name} in the bucket`, { cause: error });
      }
      return foundObject(file);
    },

    /**
     * Deletes the object if it is of this generation. What is gone, or was written anew since, is no failure: then there is
     * nothing to delete.
     */
    async delete(name: string, generation: string): Promise<void> {
      try {
        await bucket.file(name).delete({ ifGenerationMatch: generation });
      } catch (error) {
        if (hasCode(error, 404) || hasCode(error, 412)) return;
        throw new TransientError(`cannot delete ${name} in the bucket`, { cause: error });
      }
    },
  };
}

function foundObject(file: File): FoundObject {
  const { timeCreated, metadata: notes, ...found } = metadataSchema.parse(file.metadata);
  return { ...found, createdAt: Date.parse(timeCreated), notes };
}

function hasCode(error: unknown, code: number): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
