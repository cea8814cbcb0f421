// What a soak does and when, all of it from its seed: who pulls what, what is broken, for how long.
import type { Random } from '#test/random.ts';
import { namesOf } from './packages.ts';

export const WORKERS = ['worker-0', 'worker-1'] as const;
export const REGISTRIES = ['registry-0', 'registry-1'] as const;
export const FUNCTIONS = ['prebuild', 'janitor'] as const;
export const SERVICES = ['firestore', 'pubsub', 'storage'] as const;

export type WorkerName = (typeof WORKERS)[number];
export type RegistryName = (typeof REGISTRIES)[number];
export type ProgramName = WorkerName | RegistryName | (typeof FUNCTIONS)[number];
export type Service = (typeof SERVICES)[number];
export const TOPICS = ['builds', 'refreshes'] as const;
export type Topic = (typeof TOPICS)[number];

export interface PlannedPull {
  readonly do: 'pull';
  readonly name: string;
  /** `earlier`: the commit of an earlier version. `digest`: one that the name had when it was pulled last. */
  readonly by: 'latest' | 'earlier' | 'digest';
  readonly client: 'node' | 'real';
  /** Whether its layers are looked into. */
  readonly whole: boolean;
}

export type Action =
  | PlannedPull
  | { readonly do: 'prebuild'; readonly names: readonly string[] }
  | { readonly do: 'move' }
  | { readonly do: 'sweep' }
  | {
      readonly do: 'kill';
      readonly program: ProgramName;
      readonly signal: 'SIGKILL' | 'SIGTERM';
      readonly downMs: number;
    }
  | { readonly do: 'freeze'; readonly program: ProgramName; readonly ms: number }
  | { readonly do: 'restart'; readonly service: Service; readonly downMs: number }
  | {
      readonly do: 'network';
      readonly service: Service;
      readonly effect: 'slow' | 'cut' | 'refused' | 'silent';
      readonly ms: number;
    }
  | {
      readonly do: 'storage errors';
      readonly effect: 'answer' | 'cut' | 'cut answer' | 'delay';
      readonly times: number;
    }
  | { readonly do: 'lose messages'; readonly topic: Topic; readonly ms: number }
  | {
      readonly do: 'repeat messages';
      readonly topic: Topic;
      readonly ms: number;
      readonly times: number;
    }
  | { readonly do: 'fill disk'; readonly worker: WorkerName; readonly ms: number };

export interface Planned {
  /** Milliseconds from the beginning. */
  readonly at: number;
  readonly action: Action;
}

export interface Plan {
  readonly lastsMs: number;
  readonly actions: readonly Planned[];
  /** All names that anything is asked for. */
  readonly names: readonly string[];
}

/** How long an action of each kind is waited for, on average. Milliseconds. */
const EVERY_MS: Readonly<Record<Action['do'], number>> = {
  pull: 900,
  prebuild: 12_000,
  move: 22_000,
  sweep: 4_000,
  kill: 9_000,
  freeze: 25_000,
  restart: 22_000,
  network: 9_000,
  'storage errors': 7_000,
  'lose messages': 10_000,
  'repeat messages': 10_000,
  'fill disk': 40_000,
};

/** Names that are pulled at a time: what is left out long enough is forgotten. */
const IN_USE = 12;

/** How long a name is in use. Milliseconds. */
const IN_USE_MS = 75_000;

/**
 * From here on the last of each kind of program is left alone, so that it grows old: part of the whole time.
 */
const ELDERS_FROM = 0.3;

/**
 * The last refreshes that are lost are so many milliseconds before the end at the least, or in the first quarter: nobody waits
 * for them, and the janitor has five minutes of patience before it sends such a hint again.
 */
const REFRESHES_LOST_BEFORE_MS = 300_000;

export function planOf(minutes: number, random: Random): Plan {
  const lastsMs = minutes * 60_000;
  const { good, bad } = namesOf(random);
  const inUse = (at: number): string[] => {
    const first = Math.floor(at / IN_USE_MS) * Math.floor(IN_USE / 2);
    return Array.from({ length: IN_USE }, (_, index) => good[(first + index) % good.length] ?? '');
  };
  const actions: Planned[] = [];
  for (const kind of Object.keys(EVERY_MS) as Action['do'][]) {
    for (let at = pause(kind); at < lastsMs; at += pause(kind)) {
      actions.push({ at: Math.round(at), action: actionOf(kind, at) });
    }
  }
  actions.sort((one, other) => one.at - other.at);
  return { lastsMs, actions, names: [...good, ...bad] };

  function mayLoseRefreshes(at: number): boolean {
    return at < Math.max(lastsMs / 4, lastsMs - REFRESHES_LOST_BEFORE_MS);
  }

  function pause(kind: Action['do']): number {
    return -Math.log(1 - random.next()) * EVERY_MS[kind];
  }

  function actionOf(kind: Action['do'], at: number): Action {
    const between = (least: number, most: number): number => least + random.below(most - least);
    const program = (): ProgramName => {
      const all = [...WORKERS, ...REGISTRIES, ...FUNCTIONS];
      const young = at < lastsMs * ELDERS_FROM ? all : all.filter(name => !ELDERS.includes(name));
      return random.oneOf(young);
    };
    switch (kind) {
      case 'pull':
        return {
          do: kind,
          name: random.next() < 0.12 ? random.oneOf(bad) : random.oneOf(inUse(at)),
          by: random.next() < 0.75 ? 'latest' : random.oneOf(['earlier', 'digest']),
          client: random.next() < 0.1 ? 'real' : 'node',
          whole: random.next() < 0.3,
        };
      case 'prebuild':
        return { do: kind, names: random.shuffled([...inUse(at), ...bad]).slice(0, 4) };
      case 'move':
      case 'sweep':
        return { do: kind };
      case 'kill':
        return {
          do: kind,
          program: program(),
          signal: random.oneOf(['SIGKILL', 'SIGTERM']),
          downMs: between(0, 4_000),
        };
      case 'freeze':
        return { do: kind, program: program(), ms: between(500, 9_000) };
      case 'restart':
        return { do: kind, service: random.oneOf(SERVICES), downMs: between(0, 3_000) };
      case 'network':
        return {
          do: kind,
          service: random.oneOf(SERVICES),
          effect: random.oneOf(['slow', 'cut', 'refused', 'silent']),
          ms: between(300, 4_000),
        };
      case 'storage errors':
        return {
          do: kind,
          effect: random.oneOf(['answer', 'cut', 'cut answer', 'delay']),
          times: between(1, 6),
        };
      case 'lose messages':
        return {
          do: kind,
          topic: mayLoseRefreshes(at) ? random.oneOf(TOPICS) : 'builds',
          ms: between(500, 4_000),
        };
      case 'repeat messages':
        return { do: kind, topic: random.oneOf(TOPICS), ms: between(500, 4_000), times: between(2, 4) };
      case 'fill disk':
        return { do: kind, worker: random.oneOf(WORKERS), ms: between(2_000, 8_000) };
    }
  }
}

const ELDERS: readonly ProgramName[] = ['worker-1', 'registry-1'];
