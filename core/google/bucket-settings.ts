// The buckets that a deployment keeps its things in, for those programs that write there.
import { z } from 'zod';

export const bucketSettings = {
  /** The bucket of blobs. */
  DERIVERY_BUCKET: z.string().min(1),
  /**
   * The bucket of layer snapshots, where that is another one. They tell the names of a package set's packages, and so stay private
   * where blobs are everyone's to read.
   */
  DERIVERY_SNAPSHOTS_BUCKET: z.string().min(1).optional(),
};

/** The name of the bucket that snapshots are in. */
export function snapshotsBucketOf(settings: {
  readonly DERIVERY_BUCKET: string;
  readonly DERIVERY_SNAPSHOTS_BUCKET?: string | undefined;
}): string {
  return settings.DERIVERY_SNAPSHOTS_BUCKET ?? settings.DERIVERY_BUCKET;
}
