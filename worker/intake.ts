// Taking hints from Pub/Sub: as many builds at a time as there are slots, and builds that someone waits for first.
import { PubSub, SubscriptionCloseBehaviors, type Message, type Subscription } from '@google-cloud/pubsub';
import PQueue from 'p-queue';
import { ConfigurationError } from '#core/errors.ts';
import { decodeHint, type Hint } from '#core/hint.ts';
import type { Priority } from '#core/image-document.ts';
import type { Log } from '#core/google/log.ts';

/** Of those that are at hand, builds that someone waits for go first. */
const PRIORITY: Readonly<Record<Priority, number>> = { pull: 1, refresh: 0 };

/**
 * Hints at hand beyond the slots. One more of those that someone waits for: otherwise, when a slot is freed, the next of
 * them is still at Pub/Sub, and a refresh that is here already takes its place.
 */
const SPARE: Readonly<Record<Priority, number>> = { pull: 1, refresh: 0 };

/**
 * `again` gives the hint back, for this worker or another. `declined` gives it back for another while it is new: where two
 * deployments of workers meet, the right one has it soon. Later whoever waits has sent a new one, and where no worker is
 * the right one, hints that are never taken would be more and more.
 */
export type HandledAs = 'done' | 'again' | 'declined';

export interface IntakeParts {
  readonly projectId: string;
  readonly subscriptions: Readonly<Record<Priority, string>>;
  readonly slots: number;
  /** The age from which on a hint that is declined is dropped: whoever waits sends another by then. Milliseconds. */
  readonly dropDeclinedAfterMs: number;
  readonly handle: (hint: Hint) => Promise<HandledAs>;
  readonly log: Log;
  /** Called when hints can no longer be read: whoever runs this process has to start it again. */
  readonly onBroken: () => void;
}

export interface Intake {
  /**
   * Takes no more hints, and waits for the builds under way. Answers how many it gives back that were not begun, or came
   * meanwhile.
   */
  stop(): Promise<number>;
}

/**
 * Opens both subscriptions. A message is settled when its build has ended, so that flow control hands this worker no
 * more than it soon has slots for, and the hints of a worker that vanishes are delivered again by themselves.
 */
export async function startIntake(parts: IntakeParts): Promise<Intake> {
  const { projectId, subscriptions, slots, dropDeclinedAfterMs, handle, log, onBroken } = parts;
  const pubsub = new PubSub({ projectId });
  const queue = new PQueue({ concurrency: slots });
  let stopping = false;
  let givenBack = 0;

  async function process(message: Message): Promise<void> {
    const hint = decodeHint(message.data);
    if (hint === undefined) {
      log.warn({ messageId: message.id }, 'a message that is no hint of a version known here was dropped');
      message.ack();
      return;
    }
    const handledAs = await handle(hint);
    if (handledAs === 'done' || (handledAs === 'declined' && ageOf(message) >= dropDeclinedAfterMs))
      message.ack();
    else message.nack();
  }

  function open(priority: Priority): Subscription {
    const subscription = pubsub.subscription(subscriptions[priority], {
      flowControl: { maxMessages: slots + SPARE[priority], allowExcessMessages: false },
      // The limit is each stream's own: with the default of five, Pub/Sub sends five times as many, and what waits in a
      // stream's buffer is nobody's until its deadline has passed.
      streamingOptions: { maxStreams: 1 },
      // The default of 100 ms would hold back the next hint.
      batching: { maxMilliseconds: 5 },
      closeOptions: { behavior: SubscriptionCloseBehaviors.NackImmediately },
    });
    subscription.on('message', (message: Message) => {
      // While stopping nothing is taken, and nothing given back either: it would come here again at once.
      if (stopping) {
        givenBack += 1;
        return;
      }
      log.debug({ messageId: message.id, priority }, 'hint received');
      queue
        .add(() => process(message), { priority: PRIORITY[priority] })
        .catch((error: unknown) => {
          // Cleared from the queue: it is given back with all that were not begun.
          if (stopping) return;
          log.error({ error }, 'a hint was not handled');
          message.nack();
        });
    });
    subscription.on('error', (error: Error) => {
      log.fatal({ error, subscription: subscription.name }, 'the subscription broke');
      onBroken();
    });
    return subscription;
  }

  for (const name of Object.values(subscriptions)) {
    const [found] = await pubsub.subscription(name).exists();
    if (!found)
      throw new ConfigurationError(`there is no Pub/Sub subscription "${name}" in project ${projectId}`);
  }
  const opened = [open('pull'), open('refresh')];

  return {
    async stop() {
      stopping = true;
      givenBack += queue.size;
      queue.clear();
      await queue.onIdle();
      // What was delivered and not begun is given back here, for another worker.
      await Promise.all(opened.map(subscription => subscription.close()));
      await pubsub.close();
      return givenBack;
    },
  };
}

function ageOf(message: Message): number {
  return Date.now() - message.publishTime.getTime();
}
