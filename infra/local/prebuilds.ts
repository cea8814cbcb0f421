// `npm run prebuilds -- shell/git …`: asks the local system that runs to have images built before anyone pulls them.
import { resolve } from 'node:path';
import { PubSub } from '@google-cloud/pubsub';
import { Command } from 'commander';
import { z } from 'zod';
import { ConfigurationError, RegistryError } from '#core/errors.ts';
import { isUnreachable } from '#core/google/firestore.ts';
import { readSettings } from '#core/google/settings.ts';
import { parseImageName } from '#functions/prebuild/image-name.ts';
import { DEFAULT_STATE } from './command-line.ts';
import { readServices } from './running-system.ts';
import { StartError } from './start-error.ts';

/** A Pub/Sub on this machine answers at once, or is not there. Milliseconds. */
const PATIENCE = {
  initialRetryDelayMillis: 100,
  retryDelayMultiplier: 1.5,
  maxRetryDelayMillis: 1_000,
  initialRpcTimeoutMillis: 3_000,
  rpcTimeoutMultiplier: 1,
  maxRpcTimeoutMillis: 3_000,
  totalTimeoutMillis: 3_000,
};

const schema = z.object({ DERIVERY_STATE: z.string().default(DEFAULT_STATE) });

const HELP = `
An image is named as for docker pull, without the registry's address. Those that are
missing or stale are built when no pull is waited for; the log of npm start tells how
each ends.

Environment:
  DERIVERY_STATE   state folder of the system that runs (.derivery/)`;

process.exit(await main());

async function main(): Promise<number> {
  const { args: images } = new Command('npm run prebuilds --')
    .description('Has the local system build images before anyone pulls them.')
    .argument('<image...>', 'NAME or NAME:TAG, such as shell/git')
    .addHelpText('after', HELP)
    .parse(process.argv);
  try {
    for (const image of images) checkName(image);
    await publish(resolve(readSettings(schema, process.env).DERIVERY_STATE), images);
    console.log(`Asked for: ${images.join(' ')}`);
    return 0;
  } catch (error) {
    const expected = error instanceof StartError || error instanceof ConfigurationError;
    console.error(expected ? `derivery: ${error.message}` : error);
    return 1;
  }
}

/** What the function would find wrong is better said here. */
function checkName(image: string): void {
  try {
    parseImageName(image);
  } catch (error) {
    if (error instanceof RegistryError) throw new StartError(`${JSON.stringify(image)}: ${error.message}.`);
    throw error;
  }
}

/** Publishes where anyone would: on the topic "prebuilds", by Google's client. */
async function publish(state: string, images: readonly string[]): Promise<void> {
  Object.assign(process.env, await readServices(state));
  const pubsub = new PubSub({ projectId: process.env['GOOGLE_CLOUD_PROJECT'] ?? '' });
  const topic = pubsub.topic('prebuilds', { gaxOpts: { retry: { backoffSettings: PATIENCE } } });
  try {
    await topic.publishMessage({ json: { images } });
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    throw new StartError(`The system of ${state} does not answer: start it with npm start.`, {
      cause: error,
    });
  }
}
