// The machine of an on-demand worker: started by whoever has something for it to build. It stops by itself, and a start can meet
// with that: so whoever waits asks again and again, and here it is decided how often Compute Engine hears of it.
import { ConfigurationError } from '#core/errors.ts';
import type { Log } from '#core/google/log.ts';
import { openComputeInstance, type ComputeInstance, type InstanceState } from './compute-instance.ts';
import { formatInstanceName } from './instance-name.ts';
import type { WorkerMachineSettings } from './settings.ts';

export interface WorkerMachine {
  /**
   * There is something to build: has the machine started where it is stopped. Costs nothing where that was looked at just now.
   * Never throws: what stands against it is logged, and whoever waits goes on, for a worker may be there all the same.
   */
  wake(): Promise<void>;
  /** Whether it was on its way up when it was last looked at from here. */
  readonly isStarting: boolean;
}

/** For workers that are there all the time, or come by themselves. */
export const NO_MACHINE: WorkerMachine = { wake: () => Promise.resolve(), isStarting: false };

/** What a look at the machine comes to. */
type Found = Exclude<InstanceState, 'stopped'> | 'started' | 'refused' | 'unknown';

/** When an instance of a function looks again, if it is asked to. Milliseconds. */
const LOOK_AGAIN_MS: Readonly<Record<Found, number>> = {
  started: 5_000,
  starting: 5_000,
  // Its worker may have turned to stopping already.
  running: 10_000,
  stopping: 2_000,
  // Until somebody has seen to it.
  refused: 60_000,
  unknown: 5_000,
};

/** Instances of a function do not all ask at the same moment: so much of the time above is chance. */
const JITTER = 0.3;

/** A machine that is stopped so long after it was started does not come; after the second, it may have run in between. Milliseconds. */
const COMES_NOT_MS = { from: 15_000, until: 120_000 };

/** The machine that the settings name, if they name one. */
export function openWorkerMachine(
  { DERIVERY_WORKER_INSTANCE: name, DERIVERY_COMPUTE_ENDPOINT: endpoint }: Readonly<WorkerMachineSettings>,
  log: Log,
): WorkerMachine {
  return name === undefined ? NO_MACHINE : createWorkerMachine(openComputeInstance(name, endpoint), log);
}

/** `now`: milliseconds, of any beginning. */
export function createWorkerMachine(
  instance: ComputeInstance,
  log: Log,
  now: () => number = () => performance.now(),
): WorkerMachine {
  const name = formatInstanceName(instance.name);
  let looking: Promise<void> | undefined;
  let lookAgainAt = -Infinity;
  let found: Found = 'unknown';
  /** Since when it has been asked to start, and not been seen to. */
  let startedAt: number | undefined;

  async function startIfStopped(): Promise<Found> {
    const state = await instance.state();
    if (state !== 'stopped') {
      startedAt = undefined;
      return state;
    }
    if (startedAt !== undefined && isBetween(now() - startedAt, COMES_NOT_MS)) {
      log.warn(
        { instance: name },
        'the worker’s machine does not start though it was asked to: its operations in Compute Engine say why (no machine of its type in the zone, a quota)',
      );
    }
    if ((await instance.start()) === 'not-ready') return 'stopping';
    if (startedAt === undefined || now() - startedAt > COMES_NOT_MS.until) startedAt = now();
    log.info({ instance: name }, 'the worker’s machine is started: there is something to build');
    return 'started';
  }

  async function look(): Promise<void> {
    try {
      found = await startIfStopped();
    } catch (error) {
      if (error instanceof ConfigurationError) {
        found = 'refused';
        log.error({ instance: name }, error.message);
      } else {
        found = 'unknown';
        log.warn({ error, instance: name }, 'the worker’s machine could not be started; it is tried again');
      }
    }
    lookAgainAt = now() + LOOK_AGAIN_MS[found] * (1 - JITTER / 2 + Math.random() * JITTER);
  }

  return {
    async wake() {
      if (looking === undefined && now() < lookAgainAt) return;
      looking ??= look().finally(() => (looking = undefined));
      await looking;
    },
    get isStarting() {
      return found === 'started' || found === 'starting';
    },
  };
}

function isBetween(milliseconds: number, { from, until }: typeof COMES_NOT_MS): boolean {
  return milliseconds >= from && milliseconds <= until;
}
