// One run over all sweeps: each has its share of the time, goes on where it stopped the last time, and says what it did.
import pLimit from 'p-limit';
import type { Rounds } from '#core/google/rounds.ts';
import type { Log } from '#core/google/log.ts';
import type { Outcome, Step, Sweep } from './sweep.ts';

/** Steps at a time: most of one is waiting for Firestore. */
const AT_A_TIME = 8;

export interface CollectParts {
  readonly sweeps: readonly Sweep[];
  readonly rounds: Rounds;
  readonly log: Log;
}

export interface CollectOptions {
  /** When to stop, in milliseconds from now: whatever is left is the next run's. */
  readonly limitMs: number;
  /** Nothing is written. Every sweep begins at its beginning. */
  readonly dryRun: boolean;
  /** Somebody waits for what this run does: sweeps do not rest. */
  readonly restless?: boolean;
}

/** What became of one sweep in a run. */
export interface SweepReport {
  readonly sweep: string;
  readonly state:
    /** To the end of the collection. */
    | 'whole'
    /** Out of time: the next run goes on. */
    | 'in part'
    /** Its last round is not long ago. */
    | 'resting'
    /** For another one, without which it would not know what is in use. */
    | 'waiting'
    /** Another janitor goes through it just now: it was left to that one. */
    | 'left'
    | 'failed';
  readonly counts: Readonly<Partial<Record<Outcome, number>>>;
}

export async function collect(
  { sweeps, rounds, log }: CollectParts,
  options: CollectOptions,
): Promise<readonly SweepReport[]> {
  const end = performance.now() + options.limitMs;
  const reports: SweepReport[] = [];
  for (const [at, sweep] of sweeps.entries()) {
    const now = performance.now();
    // What one does not use is the next ones'.
    const deadline = now + (end - now) / (sweeps.length - at);
    const tally = new Tally(sweep.name, log);
    let state: SweepReport['state'];
    try {
      state = await runSweep(sweep, { rounds, tally, deadline, options, reports });
    } catch (error) {
      log.error({ error, sweep: sweep.name }, 'a sweep failed; the next run goes on where it was');
      state = 'failed';
    }
    reports.push({ sweep: sweep.name, state, counts: tally.counts });
  }
  return reports;
}

interface Running {
  readonly rounds: Rounds;
  readonly tally: Tally;
  readonly deadline: number;
  readonly options: CollectOptions;
  /** Of the sweeps before. */
  readonly reports: readonly SweepReport[];
}

async function runSweep(
  sweep: Sweep,
  { rounds, tally, deadline, options, reports }: Running,
): Promise<SweepReport['state']> {
  const { dryRun, restless = dryRun } = options;
  let seen = await rounds.read(sweep.name);
  const { document: round, readTime: now } = seen;
  const isBegun = round?.position !== undefined;
  if (!restless && !isBegun && round?.endedAt !== undefined && now - round.endedAt < sweep.restMs)
    return 'resting';
  if (sweep.needs !== undefined && !(await isMet(sweep.needs, rounds, dryRun, reports))) return 'waiting';

  const limit = pLimit(AT_A_TIME);
  let position = dryRun ? undefined : round?.position;
  const leftBefore = isBegun ? round.leftAside : 0;
  do {
    const page = await sweep.page(position, now);
    const taken = await Promise.all(page.items.map(step => limit(() => tally.take(step))));
    position = page.next;
    if (!dryRun) {
      const { unknown = 0, busy = 0, failed = 0 } = tally.counts;
      const leftAside = leftBefore + unknown + busy + failed;
      const noted = await rounds.note(sweep.name, seen, { position, leftAside });
      if (noted === undefined) return 'left';
      seen = noted;
    }
    // Of one thing it is that thing's trouble, of all of them it is that of whoever answers.
    if (taken.length > 0 && taken.every(outcome => outcome === 'failed')) return 'failed';
  } while (position !== undefined && performance.now() < deadline);
  return position === undefined ? 'whole' : 'in part';
}

/** Whether a sweep that another one needs has gone through all there is, and left nothing aside. */
async function isMet(
  needed: string,
  rounds: Rounds,
  dryRun: boolean,
  reports: readonly SweepReport[],
): Promise<boolean> {
  if ((await rounds.read(needed)).document?.isClean === true) return true;
  if (!dryRun) return false;
  const report = reports.find(({ sweep }) => sweep === needed);
  return report?.state === 'whole' && Object.keys(report.counts).every(outcome => outcome === 'kept');
}

class Tally {
  readonly counts: Partial<Record<Outcome, number>> = {};
  readonly #sweep: string;
  readonly #log: Log;

  constructor(sweep: string, log: Log) {
    this.#sweep = sweep;
    this.#log = log;
  }

  /** What goes wrong with one thing is no reason to leave all that come after it. */
  async take({ subject, take }: Step): Promise<Outcome> {
    const line = { sweep: this.#sweep, subject };
    try {
      const outcome = await take();
      this.#count(outcome);
      if (outcome === 'unknown')
        this.#log.warn(line, 'it is not one that this code knows, and was left alone');
      else if (outcome !== 'kept') this.#log.debug({ ...line, outcome }, 'something was collected');
      return outcome;
    } catch (error) {
      // One tells enough: where there are many, they are of one reason.
      if (this.#count('failed') === 1)
        this.#log.error({ error, ...line }, 'this could not be collected; the next round tries again');
      return 'failed';
    }
  }

  #count(outcome: Outcome): number {
    return (this.counts[outcome] = (this.counts[outcome] ?? 0) + 1);
  }
}
