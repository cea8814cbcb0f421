// Looking at a package source again: once for all the images that are made from it.
import type { SourceKey } from '#core/source-document.ts';
import type { Log } from '#core/google/log.ts';
import type { HandledAs } from './intake.ts';
import type { Revisions } from './revisions.ts';

export interface LookParts {
  readonly revisions: Revisions;
  readonly log: Log;
  readonly stopping: AbortSignal;
}

/**
 * Brings what is known of a source up to date. Where that cannot be, images go on being served from the older revision,
 * and the next pull asks again: the hint is not kept.
 */
export async function lookAtSource(
  { revisions, log, stopping }: LookParts,
  key: SourceKey,
): Promise<HandledAs> {
  try {
    await revisions.refresh(key, stopping);
    return 'done';
  } catch (error) {
    if (stopping.aborted) return 'again';
    log.warn({ error, source: key }, 'a package source cannot be looked at');
    return 'done';
  }
}
