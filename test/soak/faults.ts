// How each planned fault is done to a world, and ended.
import { setTimeout as pause } from 'node:timers/promises';
import type { Message } from '@google-cloud/pubsub';
import type { Action, Service, Topic } from './plan.ts';
import type { World } from './world.ts';

export type Fault = Exclude<Action, { do: 'pull' | 'prebuild' | 'move' | 'sweep' }>;

/** How much later than at once everything is that passes a slow network. Milliseconds. */
const SLOW_MS = 250;

/** How much later Cloud Storage answers. Milliseconds. */
const DELAY_MS = 1_500;

/** After how many bytes an upload or an answer breaks off. */
const CUT_AFTER = 300_000;

/** Messages that are taken from the workers at a time. */
const TAKEN_AT_ONCE = 4;

/** An attribute of messages that are repeated. */
const MARK = 'repeated';

/** Breaks something, and resolves when that is over. */
export async function inflict(world: World, fault: Fault): Promise<void> {
  const { history, programs, services, disks } = world;
  const note = (target: string, lastsMs = 0, what: string = fault.do): void =>
    history.note({ kind: 'fault', fault: what, target, lastsMs });
  switch (fault.do) {
    case 'kill':
      note(fault.program, fault.downMs, fault.signal);
      return programs.kill(fault.program, fault.signal, fault.downMs);
    case 'freeze':
      note(fault.program, fault.ms);
      return programs.freeze(fault.program, fault.ms);
    case 'restart':
      note(fault.service, fault.downMs);
      return restart(world, fault.service, fault.downMs);
    case 'network':
      note(fault.service, fault.ms, `network ${fault.effect}`);
      return disturb(world, fault);
    case 'storage errors': {
      note('storage', 0, `storage: ${fault.effect}`);
      const { effect, times } = fault;
      const rest = {
        answer: { status: 503 },
        cut: { afterBytes: CUT_AFTER },
        'cut answer': { afterBytes: CUT_AFTER },
        delay: { milliseconds: DELAY_MS },
      }[effect];
      services.storage.send({ type: 'fault', fault: { effect, times, ...rest } as never });
      return;
    }
    case 'lose messages':
      return intercept(world, fault.topic, fault.ms, { times: 0 });
    case 'repeat messages':
      return intercept(world, fault.topic, fault.ms, { times: fault.times });
    case 'fill disk': {
      const disk = disks[fault.worker];
      note(fault.worker, fault.ms, disk.isOwn ? fault.do : 'fill disk (left out: no file system of its own)');
      await disk.fill();
      await pause(fault.ms);
      return disk.empty();
    }
  }
}

/** Whose restart is under way, so that no two meet. */
const restarting = new Set<Service>();

async function restart({ services }: World, name: Service, downMs: number): Promise<void> {
  if (restarting.has(name)) return;
  restarting.add(name);
  try {
    await services[name].kill();
    await pause(downMs);
    await services[name].start();
  } finally {
    restarting.delete(name);
  }
}

async function disturb(
  { services }: World,
  { service, effect, ms }: Extract<Fault, { do: 'network' }>,
): Promise<void> {
  const { proxy } = services[service];
  switch (effect) {
    case 'cut':
      return proxy.cut();
    case 'slow':
      proxy.delayMs = SLOW_MS;
      await pause(ms);
      proxy.delayMs = 0;
      return;
    case 'refused':
      proxy.refuses = true;
      proxy.cut();
      await pause(ms);
      proxy.refuses = false;
      return;
    case 'silent':
      proxy.isSilent = true;
      await pause(ms);
      proxy.isSilent = false;
      return;
  }
}

/**
 * Takes messages for a while, as one more worker does, who dies with what it acknowledged: those that it gets are lost, or
 * come several times.
 */
async function intercept(
  { own, history }: World,
  topic: Topic,
  ms: number,
  { times }: { readonly times: number },
): Promise<void> {
  const subscription = own.pubsub.subscription(topic, { flowControl: { maxMessages: TAKEN_AT_ONCE } });
  let taken = 0;
  const published: Promise<unknown>[] = [];
  subscription.on('message', (message: Message) => {
    const { data, attributes } = message;
    // One that was put there a moment ago is the workers'.
    if (MARK in attributes) return message.nack();
    taken += 1;
    for (let time = 0; time < times; time++) {
      published.push(own.pubsub.topic(topic).publishMessage({ data, attributes: { [MARK]: '' } }));
    }
    message.ack();
  });
  // The stream breaks where the service is restarted; the client comes back.
  subscription.on('error', () => {});
  await pause(ms);
  await subscription.close();
  await Promise.allSettled(published);
  const fault = times === 0 ? 'messages lost' : 'messages repeated';
  for (let one = 0; one < taken; one++) history.note({ kind: 'fault', fault, target: topic, lastsMs: 0 });
}
