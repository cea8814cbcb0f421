// Keeps the store within its limits: what no build needs is collected, and of what was kept for images to come, that which
// was used longest ago goes first.
import { setTimeout as pause } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Log } from '#core/google/log.ts';
import type { Nix } from '../nix/nix.ts';
import { collectGarbage } from './collect-garbage.ts';
import { takeCollection } from './collection-lock.ts';
import type { Roots } from './open-roots.ts';
import { createStoreSize, diskSpace } from './store-space.ts';

export interface CollectorParts {
  readonly nix: Nix;
  readonly roots: Pick<Roots, 'recent' | 'collecting'>;
  /** The most bytes that the store may have; undefined where only the disk limits it. */
  readonly storeLimit: number | undefined;
  /** Bytes of the disk that are to be free; undefined for {@link freeByDefault}. */
  readonly freeAtLeast: number | undefined;
  readonly log: Log;
  /** Aborted when the worker stops. */
  readonly signal: AbortSignal;
}

export interface Collector {
  /** Collects where the store is over its limit or the disk is nearly full; resolves when there is nothing more to do. */
  look(): Promise<void>;
  /**
   * Collects because the disk was full: so that there is twice the room there is now, however much that is. Where that brings
   * none, what else is on the disk has a minute to give way: builds have few tries, and would have them all meanwhile.
   */
  makeRoom(): Promise<void>;
}

const GB = 1e9;

/** A tenth of the disk, and no more than what some large images need. */
export function freeByDefault(diskBytes: number): number {
  return Math.min(diskBytes / 10, 10 * GB);
}

/** What is collected at a time goes beyond what has to be, so that it is not soon to be done again. */
const STORE_SHARE = 0.9;
const FREE_SHARE = 1.5;

/** Of the paths that are kept for images to come, the share that is given up before it is seen whether that was enough. */
const FORGOTTEN_SHARE = 0.1;

/** How long room is waited for that no collection can make, and how often it is looked for. Milliseconds. */
const PATIENCE_MS = 60_000;
const LOOK_AGAIN_MS = 500;

/** Where a collection is to lead. Bytes. */
interface Goal {
  readonly store: number | undefined;
  readonly free: number;
}

/**
 * Collections of one store run one at a time, whichever worker's they are, and beside builds: what these need is kept by
 * their roots. Neither function throws: what goes wrong is logged, and builds meet it if they do.
 */
export function createCollector(parts: CollectorParts): Collector {
  const { nix, roots, storeLimit, log, signal } = parts;
  const size = createStoreSize(nix);
  const oneAtATime = pLimit(1);
  let looking: Promise<void> | undefined;

  async function freeAtLeast(): Promise<number> {
    return parts.freeAtLeast ?? freeByDefault((await diskSpace(nix)).total);
  }

  /** What is to be done where anything is. */
  async function goalAtRest(): Promise<Goal | undefined> {
    const least = await freeAtLeast();
    const isLow = (await diskSpace(nix)).free < least;
    const isOver =
      storeLimit !== undefined &&
      (await size.mayBeOver(storeLimit)) &&
      (await size.count(signal)) > storeLimit;
    if (!isLow && !isOver) return undefined;
    return {
      store: isOver ? storeLimit * STORE_SHARE : undefined,
      free: isLow ? least * FREE_SHARE : 0,
    };
  }

  async function goalWhenFull(): Promise<Goal> {
    const { free } = await diskSpace(nix);
    return { store: undefined, free: 2 * Math.max(free, await freeAtLeast()) };
  }

  async function missing({ store, free }: Goal): Promise<number> {
    const overLimit = store === undefined ? 0 : (await size.count(signal)) - store;
    return Math.ceil(Math.max(overLimit, free - (await diskSpace(nix)).free));
  }

  async function reach(goal: Goal): Promise<void> {
    let forgotten = 0;
    for (let bytes = await missing(goal); bytes > 0; bytes = await missing(goal)) {
      await collectGarbage(nix, bytes, signal);
      if ((await missing(goal)) <= 0) break;
      const more = await roots.recent.forget(Math.ceil((await roots.recent.count()) * FORGOTTEN_SHARE));
      if (more === 0) {
        log.warn({ missingBytes: bytes }, 'the store cannot be made smaller: builds need what is in it');
        break;
      }
      forgotten += more;
    }
    log.info({ goal, forgotten }, 'the store was collected');
  }

  async function run(goalNow: () => Promise<Goal | undefined>): Promise<void> {
    try {
      if (signal.aborted || (await goalNow()) === undefined) return;
      using _ = await takeCollection(roots.collecting);
      // Another worker may have done it meanwhile.
      const goal = await goalNow();
      if (goal !== undefined) await reach(goal);
    } catch (error) {
      if (!signal.aborted) log.warn({ error }, 'the store could not be collected');
    }
  }

  async function untilRoom(): Promise<void> {
    const isFull = async (): Promise<boolean> => (await diskSpace(nix)).free < (await freeAtLeast());
    try {
      if (!(await isFull())) return;
      log.warn('the disk is full of other things; a build waits for room');
      const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
      while (!patience.aborted && (await isFull())) await pause(LOOK_AGAIN_MS);
    } catch (error) {
      log.warn({ error }, 'the room on the disk could not be told');
    }
  }

  return {
    look() {
      looking ??= oneAtATime(() => run(goalAtRest)).finally(() => (looking = undefined));
      return looking;
    },
    async makeRoom() {
      let goal: Promise<Goal> | undefined;
      await oneAtATime(() => run(() => (goal ??= goalWhenFull())));
      await untilRoom();
    },
  };
}
