// `npm run audit -- shell/git …`: makes an image of the local system again, from nothing, and says where it differs.
import { EventEmitter } from 'node:events';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { parseDigest, type Digest } from '#core/digest.ts';
import { ConfigurationError, PermanentError, RegistryError, TransientError } from '#core/errors.ts';
import { failureAnswer } from '#core/failure.ts';
import { openBlobBucket } from '#core/google/bucket.ts';
import { imageSettingsOf, offerOf, offerSettings } from '#core/google/deployment-settings.ts';
import { openFirestore } from '#core/google/firestore.ts';
import { openImages } from '#core/google/images.ts';
import { openManifests } from '#core/google/manifests.ts';
import { readSettings } from '#core/google/settings.ts';
import { parseImageRequest, type ImageRequest } from '#core/image-request.ts';
import { settingsDigest } from '#core/image-settings.ts';
import { formatPackageSource } from '#core/package-source.ts';
import { parseImageName } from '#functions/prebuild/image-name.ts';
import { readWorkerSettings, type WorkerSettings } from '#worker/settings.ts';
import { compareImages } from './audit/compare-images.ts';
import { compareIndex } from './audit/compare-index.ts';
import { rebuild } from './audit/rebuild.ts';
import { phaseReporter, tellDifferent, tellSame } from './audit/report.ts';
import { readServedImages, type ServedImages } from './audit/served-image.ts';
import { DEFAULT_STATE } from './command-line.ts';
import { readServices, readProgramEnvironment } from './running-system.ts';
import { StartError } from './start-error.ts';
import { createTerminal } from './terminal.ts';

const schema = z.object({ DERIVERY_STATE: z.string().default(DEFAULT_STATE) });

const HELP = `
An image is named as for docker pull, without the registry's address: as NAME, NAME:TAG, or
with a digest behind it (NAME@sha256:…) to audit one that is not the latest. It has to have
been pulled before. It is made again at the revision that its manifest names, in a Nix store
of its own that is removed afterwards, and compared: manifest, config, and layer by layer
every file. Of an index, each platform's image.

Exit code:
  0  it is the same image again
  1  it differs; what differs is told
  2  it cannot be told: there is no such image, or its source has changed since

Environment:
  DERIVERY_STATE   state folder of the system that runs (.derivery/)
  TMPDIR           where the store lies for so long (/tmp)
  NO_COLOR         no colours`;

const SAME = 0;
const DIFFERENT = 1;
const UNKNOWN = 2;

// Google's client listens to the stream of a download eleven times over; from then on Node suspects a leak, and says so.
EventEmitter.defaultMaxListeners = 20;

process.exit(await main());

async function main(): Promise<number> {
  const command = new Command('npm run audit --')
    .description('Makes an image of the local system again, from nothing, and says where it differs.')
    .argument('<image>', 'NAME, NAME:TAG or NAME@DIGEST, such as shell/git')
    .option('--from-source', 'build everything, and fetch nothing from binary caches')
    .addHelpText('after', HELP)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : UNKNOWN))
    .allowExcessArguments(false)
    .parse(process.argv);
  const [image = ''] = command.args;
  const { fromSource = false } = command.opts<{ fromSource?: boolean }>();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop.abort(new StartError('Stopped.')));
  }
  try {
    const { DERIVERY_STATE: state } = readSettings(schema, process.env);
    return await audit(image, { state: resolve(state), binaryCaches: !fromSource, signal: stop.signal });
  } catch (error) {
    console.error(describe(error) ?? error);
    return UNKNOWN;
  }
}

/** What is no defect of ours, in words; a build that failed with the end of its log. */
function describe(error: unknown): string | undefined {
  if (error instanceof PermanentError) return `derivery: ${failureAnswer(error.failure).message}`;
  const expected = [StartError, ConfigurationError, TransientError].some(kind => error instanceof kind);
  return expected && error instanceof Error ? `derivery: ${error.message}` : undefined;
}

interface Options {
  readonly state: string;
  readonly binaryCaches: boolean;
  readonly signal: AbortSignal;
}

async function audit(image: string, { state, binaryCaches, signal }: Options): Promise<number> {
  Object.assign(process.env, await readServices(state));
  const environment = await readProgramEnvironment(state, 'worker');
  const settings = readWorkerSettings(environment);
  const { request, digest } = parseImage(image, environment);
  const terminal = createTerminal('text', process.stderr);
  let verdict = SAME;
  const { index, images } = await readServed(request, digest, settings);
  for (const served of images) {
    const { platforms, source } = served.request;
    terminal.progress(`${platforms.join()}: ${formatPackageSource(source)} at ${served.revision}`);
    const report = phaseReporter(terminal.progress);
    const parts = { settings, environment, binaryCaches, report };
    await using rebuilt = await rebuild(served.request, served.revision, parts, signal);
    if (rebuilt.digest === served.digest) {
      tellSame(image, served, process.stdout);
    } else {
      terminal.progress('comparing');
      const differences = await compareImages(served, rebuilt);
      tellDifferent(image, served, rebuilt.digest, differences, process.stdout);
      verdict = DIFFERENT;
    }
  }
  if (index !== undefined) {
    const { digest: rebuilt, differences } = compareIndex(index, request, images);
    if (differences.length > 0) {
      tellDifferent(image, { request, digest: index.digest }, rebuilt, differences, process.stdout);
      verdict = DIFFERENT;
    }
  }
  return verdict;
}

function parseImage(
  text: string,
  environment: Readonly<Record<string, string>>,
): { request: ImageRequest; digest: Digest | undefined } {
  const at = text.indexOf('@');
  const offer = offerOf(readSettings(z.object(offerSettings), environment));
  try {
    const { name, tag } = parseImageName(at < 0 ? text : text.slice(0, at));
    const digest = at < 0 ? undefined : parseDigest(text.slice(at + 1));
    return { request: parseImageRequest(name, tag, offer), digest };
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    throw new StartError(`${JSON.stringify(text)}: ${error.message}.`, { cause: error });
  }
}

async function readServed(
  request: ImageRequest,
  digest: Digest | undefined,
  settings: WorkerSettings,
): Promise<ServedImages> {
  const firestore = openFirestore(settings.GOOGLE_CLOUD_PROJECT, settings.DERIVERY_DATABASE);
  try {
    const served = {
      images: openImages(firestore),
      manifests: openManifests(firestore),
      bucket: openBlobBucket(settings.GOOGLE_CLOUD_PROJECT, settings.DERIVERY_BUCKET),
    };
    return await readServedImages(served, request, settingsDigest(imageSettingsOf(settings)), digest);
  } finally {
    await firestore.terminate();
  }
}
