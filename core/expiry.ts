// What has gone unused for so long that it is not kept any more. Times are the server's, in milliseconds; the janitor decides
// by these in the transactions that delete.
import type { Build, ImageDocument } from './image-document.ts';
import type { SourceDocument } from './source-document.ts';

/**
 * Whether nobody pulled an image, or had it made, for so long. One that is being made is not unused. One that waits for so long
 * is, in the queue or for its images, or since its worker was last heard of: no worker makes images by its settings any more.
 */
export function isImageUnused(
  { usedAt, current, build }: ImageDocument,
  now: number,
  keepMs: number,
): boolean {
  return areOver([usedAt, current?.builtAt, movedAt(build)], now, keepMs);
}

/** When a build came to where it is. */
function movedAt(build: Build): number | undefined {
  switch (build.state) {
    case 'none':
      return undefined;
    case 'queued':
      return build.queuedAt;
    case 'building':
      return build.lease.renewedAt + build.lease.durationSeconds * 1000;
    case 'waiting':
      return build.parkedAt;
    case 'failed':
      return build.failedAt;
  }
}

/** Whether nobody looked at a source, or asked for a look, for so long. */
export function isSourceUnused(
  { resolved, refs, askedAt }: SourceDocument,
  now: number,
  keepMs: number,
): boolean {
  return areOver([resolved?.checkedAt, refs?.listedAt, askedAt], now, keepMs);
}

/** Whether a manifest was not pulled for so long, be it by its digest or by the tag of its image. */
export function isManifestUnused(usedAt: number | undefined, now: number, keepMs: number): boolean {
  return usedAt !== undefined && areOver([usedAt], now, keepMs);
}

function areOver(moments: readonly (number | undefined)[], now: number, keepMs: number): boolean {
  return moments.every(moment => moment === undefined || now - moment >= keepMs);
}
