// Carries out a plan on a world: pulls, faults, and what the cloud does by itself.
import { setTimeout as pause } from 'node:timers/promises';
import pLimit from 'p-limit';
import { FAILURE_HOLD_MS } from '#core/pull-decision.ts';
import type { PullOutcome, PullRecord } from './history.ts';
import { inflict } from './faults.ts';
import type { Action, Plan, PlannedPull } from './plan.ts';
import { SERVICES } from './plan.ts';
import { wasGivenUp } from './promises/pulls.ts';
import { pullImage } from './pull.ts';
import type { RealClient } from './real-clients.ts';
import type { World } from './world.ts';

/** Pulls under way at a time; what is planned beyond that waits its turn. */
const AT_ONCE = 10;

/** What is told of an error. Characters. */
const TOLD = 60;

/** What the janitor logs when a run has ended, and how long one is waited for before the next. Milliseconds. */
const COLLECTED = '"collected"';
const RUN_ENDS_WITHIN_MS = 30_000;

/** Pulls at a time when all is calm. */
const AT_ONCE_AT_REST = 4;

export type Drive = ReturnType<typeof createDrive>;

export function createDrive(world: World, clients: readonly RealClient[]) {
  const { history, own, source, registry } = world;
  const limit = pLimit(AT_ONCE);
  /** What a name was answered with last. */
  const lastDigests = new Map<string, string>();
  let pulls = 0;
  let sweptAt = 0;
  let endedBefore = 0;

  async function pull(
    client: PullRecord['client'],
    request: { readonly name: string; readonly reference: string; readonly whole: boolean },
    atRest = false,
  ): Promise<PullOutcome> {
    const number = ++pulls;
    const { name, reference } = request;
    const beganAt = Date.now();
    const outcome = await pulled(client, number, request);
    if (outcome.kind === 'image') lastDigests.set(name, outcome.digest);
    history.note({ kind: 'pull', pull: number, client, name, reference, beganAt, outcome, atRest });
    return outcome;
  }

  async function pulled(
    client: PullRecord['client'],
    number: number,
    request: { readonly name: string; readonly reference: string; readonly whole: boolean },
  ): Promise<PullOutcome> {
    try {
      const real = clients.find(({ name }) => name === client);
      if (real !== undefined) return await real.pull(registry, request.name, request.reference);
      return await pullImage(registry, history, { pull: number, ...request });
    } catch (error) {
      return { kind: 'wrong', why: `the client broke: ${String(error)}` };
    }
  }

  function plannedPull(planned: PlannedPull): Promise<unknown> {
    const { name, by, whole } = planned;
    const reference =
      by === 'latest'
        ? 'latest'
        : by === 'earlier'
          ? source.revisions.at(Math.max(-3, -source.revisions.length))
          : lastDigests.get(name);
    const isIndex = name.includes('arm64');
    const useReal = planned.client === 'real' && by !== 'digest' && !isIndex && clients.length > 0;
    const client = useReal ? clients[pulls % clients.length]?.name : 'node';
    return limit(() => pull(client ?? 'node', { name, reference: reference ?? 'latest', whole }));
  }

  async function move(): Promise<void> {
    const version = await source.move();
    history.note({ kind: 'version', version, revision: source.revisions[version] ?? '' });
  }

  function act(action: Action): Promise<unknown> {
    switch (action.do) {
      case 'pull':
        return plannedPull(action);
      case 'prebuild':
        return own.pubsub.topic('prebuilds').publishMessage({
          json: { images: action.names.map(name => `${name}:latest`) },
        });
      case 'move':
        return move();
      case 'sweep':
        return sweep();
      default:
        return inflict(world, action);
    }
  }

  /** Wakes the janitor, as Cloud Scheduler does; not while it is at work, for runs would only be in each other's way. */
  async function sweep(): Promise<void> {
    const ended = world.logs.of('janitor').count(COLLECTED);
    if (ended === endedBefore && Date.now() - sweptAt < RUN_ENDS_WITHIN_MS) return;
    endedBefore = ended;
    sweptAt = Date.now();
    await own.pubsub.topic('maintenance').publishMessage({ json: {} });
  }

  return {
    sweep,

    /** Does all that is planned, each at its time; resolves when the last of it, and every pull, has ended. */
    async carryOut({ actions }: Plan): Promise<void> {
      const beganAt = Date.now();
      const underWay = new Set<Promise<unknown>>();
      for (const { at, action } of actions) {
        await pause(Math.max(0, beganAt + at - Date.now()));
        const done = act(action)
          .catch((error: unknown) => {
            // A message to a service that is down at that moment is lost, as it would be in the cloud.
            const why = String(error).slice(0, TOLD);
            history.note({ kind: 'fault', fault: `not done: ${why}`, target: action.do, lastsMs: 0 });
          })
          .finally(() => underWay.delete(done));
        underWay.add(done);
      }
      await Promise.all(underWay);
      await endFaults(world);
      history.note({ kind: 'rest' });
    },

    /** Pulls each of these names, when nothing is broken any more; what was given up before, when it can be had again. */
    async pullAll(names: readonly string[]): Promise<void> {
      const atOnce = pLimit(AT_ONCE_AT_REST);
      const all = names.map(async name => {
        const request = { name, reference: 'latest', whole: true };
        const outcome = await atOnce(() => pull('node', request));
        if (!wasGivenUp(outcome)) return;
        await pause(FAILURE_HOLD_MS);
        await atOnce(() => pull('node', request, true));
      });
      await Promise.all(all);
    },
  };
}

async function endFaults({ services, disks }: World): Promise<void> {
  for (const name of SERVICES) {
    const { proxy } = services[name];
    proxy.delayMs = 0;
    proxy.refuses = false;
    proxy.isSilent = false;
  }
  await Promise.all(Object.values(disks).map(disk => disk.empty()));
}
