// Taking hints until there is a reason not to: the worker is told to stop, or there has been nothing to do for long, and there
// is nothing.
import type { Log } from '#core/google/log.ts';
import type { Idleness } from './idleness.ts';
import type { Intake } from './intake.ts';

export interface HintsParts {
  readonly open: () => Promise<Intake>;
  readonly idleness: Idleness;
  /** Whether there is a build that this worker would take: what the documents say, where a hint may have been lost. */
  readonly hasWork: () => Promise<boolean>;
  readonly log: Log;
  readonly stopping: AbortSignal;
}

/**
 * Goes on from an intake that is open. When it has been idle, it takes no more hints, and looks once more: what was queued before
 * that is seen, and whoever queues something after that finds a machine that stops, and has it started again. When this ends no
 * build is under way.
 */
export async function takeHints(first: Intake, parts: HintsParts): Promise<'stopped' | 'idle'> {
  const { open, idleness, log, stopping } = parts;
  for (let intake = first; ; intake = await open()) {
    await idleness.reached(stopping);
    if (!stopping.aborted) log.info('there was nothing to build for long: no more hints are taken');
    const givenBack = await intake.stop();
    if (stopping.aborted) return 'stopped';
    const reason = givenBack > 0 ? 'hints came meanwhile' : await reasonToGoOn(parts);
    if (stopping.aborted) return 'stopped';
    if (reason === undefined) return 'idle';
    log.info(`${reason}: the worker goes on`);
  }
}

async function reasonToGoOn({ hasWork, log }: HintsParts): Promise<string | undefined> {
  try {
    return (await hasWork()) ? 'there is a build to take' : undefined;
  } catch (error) {
    log.warn({ error }, 'whether there is something to build cannot be read');
    return 'there may be a build to take';
  }
}
