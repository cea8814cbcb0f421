// What has gone unused for so long that it is not kept any more. Times are the server's, in milliseconds; the janitor decides
// by these in the transactions that delete.
import { askedBuild, type ImageDocument } from './image-document.ts';
import type { SourceDocument } from './source-document.ts';

/**
 * Whether nobody pulled an image, or had it made, for so long. One whose build is under way is not unused: somebody waits, or a
 * worker will write to it.
 */
export function isImageUnused(image: ImageDocument, now: number, keepMs: number): boolean {
  const { usedAt, current, build } = image;
  if (askedBuild(image) !== undefined) return false;
  const failedAt = build.state === 'failed' ? build.failedAt : undefined;
  return areOver([usedAt, current?.builtAt, failedAt], now, keepMs);
}

/** Whether nobody looked at a source, or asked for a look, for so long. */
export function isSourceUnused({ resolved, refs, askedAt }: SourceDocument, now: number, keepMs: number): boolean {
  return areOver([resolved?.checkedAt, refs?.listedAt, askedAt], now, keepMs);
}

/** Whether a manifest was not pulled for so long, be it by its digest or by the tag of its image. */
export function isManifestUnused(usedAt: number | undefined, now: number, keepMs: number): boolean {
  return usedAt !== undefined && areOver([usedAt], now, keepMs);
}

function areOver(moments: readonly (number | undefined)[], now: number, keepMs: number): boolean {
  return moments.every(moment => moment === undefined || now - moment >= keepMs);
}
