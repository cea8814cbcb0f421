// One message of the topic "prebuilds", from its bytes to queued builds.
import type { Offer } from '#core/image-request.ts';
import type { WorkerMachine } from '../worker-machine/worker-machine.ts';
import { parsePrebuildMessage, type PrebuildMessage } from './message.ts';
import { queuePrebuilds, type PrebuildParts } from './queue-prebuilds.ts';

export interface MessageParts extends PrebuildParts {
  /** Woken where something was queued. Where it is not to be had just then, the janitor wakes it later. */
  readonly machine: WorkerMachine;
}

/**
 * Queues what a message asks for, and logs what it cannot have asked for. A message that is not understood is logged, and
 * that is all: it would not be better the next time. Throws where the next time may be better.
 */
export async function handlePrebuildMessage(
  parts: MessageParts,
  offer: Offer,
  data: Uint8Array,
): Promise<void> {
  const { log } = parts;
  let message: PrebuildMessage;
  try {
    message = parsePrebuildMessage(data, offer, parts.policy.settings);
  } catch (error) {
    log.error({ error }, 'a message was dropped: it asks for no prebuilds');
    return;
  }
  const { wanted, refused, beyondLimit } = message;
  for (const { image, reason } of refused) log.warn({ name: image, reason }, 'an image cannot be prebuilt');
  if (beyondLimit > 0) {
    log.warn(
      { images: beyondLimit },
      'images beyond the limit of one message were left out: send them in another',
    );
  }
  let queued: number;
  try {
    queued = await queuePrebuilds(parts, wanted);
  } catch (error) {
    log.error({ error }, 'the prebuilds are not queued: the message will be delivered again');
    throw error;
  }
  log.info({ images: wanted.length, queued, refused: refused.length + beyondLimit }, 'prebuilds queued');
  if (queued > 0) await parts.machine.wake();
}
