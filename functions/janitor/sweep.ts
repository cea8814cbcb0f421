// Builds that nobody waits for: whoever asked has left, and their hint may be lost.
import { needsHint } from '#core/image-life.ts';
import type { Hints } from '#core/google/hints.ts';
import type { Images } from '#core/google/images.ts';
import type { Log } from '#core/google/log.ts';

/** Documents that one sweep looks at: a bound on its time. The next sweep sees what this one did not. */
const SWEEP_LIMIT = 500;

/** A long queue is no loss: hints of builds that merely wait their turn are still on their way. Milliseconds. */
const PATIENCE_MS = 5 * 60_000;

/** Sends the hint again for every build that no worker has. Answers how many. */
export async function sweepUnclaimedBuilds(images: Images, hints: Hints, log: Log): Promise<number> {
  let hinted = 0;
  for (const { key, seen } of await images.unfinished(SWEEP_LIMIT)) {
    const build = seen.document?.build;
    if (build === undefined || !needsHint(build, seen.readTime, PATIENCE_MS)) continue;
    await hints.send({ look: 'image', key }, build.by);
    log.debug(
      { image: key, state: build.state, attempts: build.attempts },
      'a build was left alone: its hint is sent again',
    );
    hinted += 1;
  }
  return hinted;
}
