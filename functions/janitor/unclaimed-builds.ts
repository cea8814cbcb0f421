// Builds that nobody waits for: whoever asked has left, and their hint may be lost.
import { z } from 'zod';
import type { Sleeper } from '#core/index-life.ts';
import type { Hints } from '#core/google/hints.ts';
import type { Images } from '#core/google/images.ts';
import type { Log } from '#core/google/log.ts';
import type { SettingsDigest } from '#core/image-settings.ts';
import { sleepersOf } from '../sleepers.ts';

/** Hints that one sweep sends: a bound on its time. The next sweep sends what this one did not. */
const SWEEP_LIMIT = 500;

/** A long queue is no loss: hints of builds that merely wait their turn are still on their way. Milliseconds. */
const PATIENCE_MS = 5 * 60_000;

export interface SweepParts {
  readonly images: Images;
  readonly hints: Pick<Hints, 'send'>;
  /** What this deployment makes images by. Builds of an earlier one have no worker any more that would take them. */
  readonly settings: SettingsDigest;
  readonly log: Log;
}

/** Sends the hint again for every build that no worker has, the oldest first. Answers how many. */
export async function sweepUnclaimedBuilds({ images, hints, settings, log }: SweepParts): Promise<number> {
  const hinted = new Set<string>();
  const unreadable: string[] = [];
  let error: unknown;
  for await (const found of images.unfinished()) {
    if ('error' in found) {
      unreadable.push(found.key);
      error ??= found.error;
      continue;
    }
    const { key, seen } = found;
    if (seen.document?.settings !== settings) continue;
    let sleepers: Sleeper[];
    try {
      sleepers = await sleepersOf(images, key, seen.document, seen.readTime, PATIENCE_MS);
    } catch (problem) {
      // An image of an index.
      if (!(problem instanceof z.ZodError)) throw problem;
      unreadable.push(key);
      error ??= problem;
      continue;
    }
    for (const sleeper of sleepers) {
      if (hinted.has(sleeper.key)) continue;
      await hints.send({ look: 'image', key: sleeper.key }, sleeper.by);
      hinted.add(sleeper.key);
      log.debug({ image: sleeper.key }, 'a build was left alone: its hint is sent again');
    }
    if (hinted.size >= SWEEP_LIMIT) break;
  }
  if (unreadable.length > 0) {
    log.warn(
      { error, count: unreadable.length, first: unreadable[0] },
      'documents were left out: they are not ones that this code knows',
    );
  }
  return hinted.size;
}
