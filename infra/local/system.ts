// The programs of a local system, in the order they need each other, and the environment that each is given.
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { formatPackageSource, type PackageSource } from '#core/package-source.ts';
import type { PushMessage } from './resources.ts';
import { StartError } from './start-error.ts';
import type { StateFolder } from './state-folder.ts';
import type { Program } from './supervised-program.ts';
import type { Supervisor } from './supervisor.ts';

export interface SystemSettings {
  /** The registry's port; 0 takes a free one. */
  readonly port: number;
  readonly state: StateFolder;
  readonly source: PackageSource;
  /** What the worker needs on top: where Nix's store and the package set lie. */
  readonly workerEnvironment: NodeJS.ProcessEnv;
}

const PROJECT_ROOT = resolve(import.meta.dirname, '../..');
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '::1'];

/** What uses the stand-ins ends before they do. */
export const STOP_ORDER = [['registry', 'worker', 'janitor'], ['stand-ins']] as const;

/** Starts everything. Resolves with the registry's port when pulls are answered. Throws a StartError. */
export async function startSystem(supervisor: Supervisor, settings: SystemSettings): Promise<number> {
  const { environment: services = {} } = await supervisor.start(standIns(settings.state));
  const common = {
    ...commonEnvironment(),
    ...services,
    DERIVERY_SOURCE: formatPackageSource(settings.source),
  };
  await mkdir(settings.state.spool, { recursive: true });

  const worker: Program = {
    name: 'worker',
    file: resolve(PROJECT_ROOT, 'worker/index.ts'),
    environment: () => ({ ...common, ...settings.workerEnvironment, DERIVERY_SPOOL: settings.state.spool }),
    restarts: true,
  };
  const [port, janitorPort] = await Promise.all([
    startFunction(supervisor, 'registry', 'http', settings.port, common),
    startFunction(supervisor, 'janitor', 'cloudevent', 0, common),
    supervisor.start(worker),
  ]);
  supervisor.send('stand-ins', {
    type: 'push',
    topic: 'maintenance',
    port: janitorPort,
  } satisfies PushMessage);
  await checkRegistry(port);
  return port;
}

/** The first request of every client: `GET /v2/`. */
async function checkRegistry(port: number): Promise<void> {
  const answer = await fetch(`http://localhost:${port}/v2/`);
  if (!answer.ok) throw new StartError(`The registry answers ${answer.status} to GET /v2/.`);
}

function standIns(state: StateFolder): Program {
  const environment = {
    ...commonEnvironment(),
    STAND_INS_FIRESTORE: state.firestore,
    STAND_INS_PUBSUB: state.pubsub,
    STAND_INS_STORAGE: state.storage,
    STAND_INS_IAM: state.iam,
  };
  return {
    name: 'stand-ins',
    file: resolve(import.meta.dirname, 'stand-ins.ts'),
    environment: () => environment,
    // All others hold connections to it: they would have to start anew as well.
    restarts: false,
  };
}

/** Starts a Cloud Function. Resolves with its port, which it keeps when it is started again. */
async function startFunction(
  supervisor: Supervisor,
  name: 'registry' | 'janitor',
  signature: 'http' | 'cloudevent',
  port: number,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  let bound = port;
  const ready = await supervisor.start({
    name,
    file: resolve(import.meta.dirname, 'function-server.ts'),
    environment: () => ({
      ...environment,
      PORT: String(bound),
      FUNCTION_SOURCE: resolve(PROJECT_ROOT, `functions/${name}/index.ts`),
      FUNCTION_TARGET: name,
      FUNCTION_SIGNATURE_TYPE: signature,
    }),
    restarts: true,
  });
  bound = ready.port ?? bound;
  return bound;
}

/** What every program is given: the person's own settings, and what makes Google's clients talk to this machine. */
function commonEnvironment(): NodeJS.ProcessEnv {
  // gRPC and the HTTP clients would ask a proxy even for this machine.
  const unproxied = [process.env['no_proxy'] ?? process.env['NO_PROXY'], ...LOOPBACK_NAMES]
    .filter(Boolean)
    .join(',');
  return {
    ...process.env,
    no_proxy: unproxied,
    NO_PROXY: unproxied,
    GOOGLE_CLOUD_PROJECT: 'derivery-local',
    // Without it the clients look for Google's metadata server first.
    METADATA_SERVER_DETECTION: 'none',
    // Express prints stack traces to clients otherwise.
    NODE_ENV: 'production',
  };
}
