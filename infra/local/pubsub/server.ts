// The Pub/Sub stand-in: Google's gRPC protocol on loopback, spoken to by Google's own client libraries.
import { setTimeout } from 'node:timers/promises';
import { bindService, descriptorOf, listenGrpc } from '#local/grpc-server.ts';
import { googlesMinimumAckDeadlineSeconds } from './ack-deadline.ts';
import { Broker } from './broker.ts';
import { publisherService } from './publisher-service.ts';
import { openStore } from './store.ts';
import { subscriberService } from './subscriber-service.ts';
import { wireOptions } from './wire.ts';

/** A client that does not take its goodbye by then is cut off. */
const goodbyeMilliseconds = 1000;

export interface PubSubOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Where topics, subscriptions and unacknowledged messages are kept; without it they end with the server. */
  readonly dataFolder?: string;
  /** Google's is 10; tests that wait for a deadline to end lower it. */
  readonly minimumAckDeadlineSeconds?: number;
}

export interface PubSubServer {
  /** For PUBSUB_EMULATOR_HOST. */
  readonly address: string;
  readonly port: number;
  /** Ends all streams so that their clients come back, and closes the data. */
  close(): Promise<void>;
}

/**
 * Starts Pub/Sub on 127.0.0.1. What was answered survives the end of the process at any moment; what Derivery does not
 * use is refused with UNIMPLEMENTED.
 * @throws Error when the port is taken, or the data folder is in use or not writable
 */
export async function startPubSub(options: PubSubOptions = {}): Promise<PubSubServer> {
  const { port = 0, dataFolder, minimumAckDeadlineSeconds = googlesMinimumAckDeadlineSeconds } = options;
  const descriptor = await descriptorOf('@google-cloud/pubsub', 'build/protos/protos.json');
  const store = openStore(dataFolder);
  const broker = new Broker(store);
  const services = [
    bindService(descriptor, 'google.pubsub.v1.Publisher', publisherService(broker), wireOptions),
    bindService(
      descriptor,
      'google.pubsub.v1.Subscriber',
      subscriberService(broker, minimumAckDeadlineSeconds),
      wireOptions,
    ),
  ];
  try {
    const server = await listenGrpc(services, port);
    const close = async (): Promise<void> => {
      const drained = server.drain();
      broker.close();
      // Not cut off at once: a stream's last word, UNAVAILABLE, must reach its client.
      await Promise.race([drained, setTimeout(goodbyeMilliseconds, undefined, { ref: false })]);
      server.close();
      store.close();
    };
    return { address: server.address, port: server.port, close };
  } catch (cause) {
    broker.close();
    store.close();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Pub/Sub cannot listen on 127.0.0.1:${port}: ${reason}`, { cause });
  }
}
