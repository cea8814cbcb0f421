// The programs of a local system, in the order they need each other, and the environment that each is given.
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { holdPort } from './held-port.ts';
import { localEnvironment, NO_LIMITS, FUNCTION_NODE_OPTIONS } from './local-environment.ts';
import type { PushedTopic, PushMessage } from './resources.ts';
import { StartError } from './start-error.ts';
import type { StateFolder } from './state-folder.ts';
import type { Program } from './supervised-program.ts';
import type { Supervisor } from './supervisor.ts';

export interface SystemSettings {
  /** The registry's port; 0 takes a free one. */
  readonly port: number;
  readonly state: StateFolder;
  /** The default package source, as DERIVERY_SOURCE has it. */
  readonly source: string;
  /** What the worker needs on top: where Nix's store and the package set lie. */
  readonly workerEnvironment: NodeJS.ProcessEnv;
}

const PROJECT_ROOT = resolve(import.meta.dirname, '../..');

/** The functions that messages are posted to. */
const EVENT_FUNCTIONS: Readonly<Record<'prebuild' | 'janitor', PushedTopic>> = {
  prebuild: 'prebuilds',
  janitor: 'maintenance',
};

/** What uses the stand-ins ends before they do. */
export const STOP_ORDER = [['registry', 'worker', 'prebuild', 'janitor'], ['stand-ins']] as const;

/** Starts everything. Resolves with the registry's port when pulls are answered. Throws a StartError. */
export async function startSystem(supervisor: Supervisor, settings: SystemSettings): Promise<number> {
  const { environment: services = {} } = await supervisor.start(standIns(settings.state));
  const common = {
    ...process.env,
    ...localEnvironment(),
    ...services,
    DERIVERY_SOURCE: settings.source,
  };
  await mkdir(settings.state.spool, { recursive: true });

  const worker: Program = {
    name: 'worker',
    file: resolve(PROJECT_ROOT, 'worker/index.ts'),
    environment: () => ({ ...common, ...settings.workerEnvironment, DERIVERY_SPOOL: settings.state.spool }),
    restarts: true,
  };
  const [port] = await Promise.all([
    startFunction(supervisor, 'registry', 'http', settings.port, {
      ...NO_LIMITS,
      // Whoever pulls here is who had the image refreshed: it is seen at once.
      DERIVERY_TAG_CACHE_SECONDS: '0',
      ...common,
      DERIVERY_HOP_SECRET: settings.state.hopSecret,
      DERIVERY_TOKEN_SECRET: settings.state.tokenSecret,
    }),
    startEventFunction(supervisor, 'prebuild', common),
    startEventFunction(supervisor, 'janitor', common),
    supervisor.start(worker),
  ]);
  await checkRegistry(port);
  settings.state.recordServices({ ...localEnvironment(), ...services });
  return port;
}

/** The first request of every client: `GET /v2/`. Where it has to log in, that is an answer too. */
async function checkRegistry(port: number): Promise<void> {
  const answer = await fetch(`http://localhost:${port}/v2/`);
  if (!answer.ok && answer.status !== 401)
    throw new StartError(`The registry answers ${answer.status} to GET /v2/.`);
}

function standIns(state: StateFolder): Program {
  const environment = {
    ...process.env,
    ...localEnvironment(),
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

/** Starts a Cloud Function that Pub/Sub's messages are posted to, and has them posted there. */
async function startEventFunction(
  supervisor: Supervisor,
  name: keyof typeof EVENT_FUNCTIONS,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const port = await startFunction(supervisor, name, 'cloudevent', 0, environment);
  const push: PushMessage = { type: 'push', topic: EVENT_FUNCTIONS[name], port };
  supervisor.send('stand-ins', push);
}

/** Starts a Cloud Function. Resolves with its port, where those who connect while it is started again wait for it. */
async function startFunction(
  supervisor: Supervisor,
  name: 'registry' | keyof typeof EVENT_FUNCTIONS,
  signature: 'http' | 'cloudevent',
  wanted: number,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const { port, sockets } = holdPort(wanted);
  await supervisor.start({
    name,
    file: resolve(import.meta.dirname, 'function-server.ts'),
    environment: () => ({
      ...environment,
      FUNCTION_SOURCE: resolve(PROJECT_ROOT, `functions/${name}/index.ts`),
      FUNCTION_TARGET: name,
      FUNCTION_SIGNATURE_TYPE: signature,
      NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} ${FUNCTION_NODE_OPTIONS}`,
    }),
    sockets,
    restarts: true,
  });
  return port;
}
