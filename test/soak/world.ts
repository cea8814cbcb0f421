// All that runs in a soak: Google's services with their faults, two registries behind one address, two workers with disks
// and Nix stores of their own, prebuild and janitor.
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Firestore } from '@google-cloud/firestore';
import { PubSub, v1 } from '@google-cloud/pubsub';
import { Storage } from '@google-cloud/storage';
import { credentials } from '@grpc/grpc-js';
import { localEnvironment, NO_LIMITS, PROJECT, FUNCTION_NODE_OPTIONS } from '#local/local-environment.ts';
import { nixConfig } from '#local/nix.ts';
import { BUCKET, createResources, pushTo } from '#local/resources.ts';
import { openDisk, type Disk } from './disk.ts';
import type { History } from './history.ts';
import { FUNCTIONS, REGISTRIES, WORKERS, type ProgramName, type Service, type WorkerName } from './plan.ts';
import { openProgramLogs, type ProgramLogs } from './program-logs.ts';
import { createPrograms, type RunningPrograms } from './programs.ts';
import { startProxy, type Proxy } from './proxy.ts';
import { startService, type RunningService } from './service.ts';
import { COMMON_SETTINGS, REGISTRY_SETTINGS, WORKER_SETTINGS } from './settings.ts';
import { createSource, type Source } from './source.ts';

const ROOT = resolve(import.meta.dirname, '../..');

export interface World extends AsyncDisposable {
  readonly folder: string;
  readonly history: History;
  readonly logs: ProgramLogs;
  readonly source: Source;
  readonly services: Readonly<Record<Service, RunningService>>;
  readonly programs: RunningPrograms;
  readonly disks: Readonly<Record<WorkerName, Disk>>;
  /** `127.0.0.1:PORT`: all registries, each connection the next of them. */
  readonly registry: string;
  /** The soak's own clients of the services, which no fault of the network strikes. */
  readonly own: OwnClients;
}

export interface OwnClients {
  readonly firestore: Firestore;
  readonly pubsub: PubSub;
  readonly subscriber: v1.SubscriberClient;
  readonly storage: Storage;
}

/** Starts everything in a folder of its own. What was started is ended where something cannot be. */
export async function startWorld(folder: string, history: History): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const logs = openProgramLogs(join(folder, 'logs'));
  const source = await createSource(join(folder, 'set'));
  history.note({ kind: 'version', version: 0, revision: source.revisions[0] ?? '' });

  const startOne = async (name: Service): Promise<RunningService> => {
    const service = await startService({ name, folder, history, logs });
    stack.defer(() => service.stop());
    return service;
  };
  const services = {
    firestore: await startOne('firestore'),
    pubsub: await startOne('pubsub'),
    storage: await startOne('storage'),
  };
  const own = stack.adopt(openOwnClients(services), closeOwnClients);
  await createResources(own.pubsub, own.storage);

  const openOne = async (name: WorkerName): Promise<Disk> => {
    const disk = stack.adopt(await openDisk(join(folder, name)), opened => opened.remove());
    await mkdir(join(folder, name, 'spool'), { recursive: true });
    return disk;
  };
  const disks = { 'worker-0': await openOne('worker-0'), 'worker-1': await openOne('worker-1') };

  const front = stack.adopt(await startProxy(), proxy => proxy.close());
  const environments = await environmentsOf(folder, services, source, front);
  const programs = createPrograms(environments, { history, logs }, ports => {
    front.targets = ports;
  });
  stack.defer(() => programs.stop());
  await Promise.all([...REGISTRIES, ...WORKERS, ...FUNCTIONS].map(name => programs.start(name)));
  await pushTo(own.pubsub, 'prebuilds', programs.ports.prebuild);
  await pushTo(own.pubsub, 'maintenance', programs.ports.janitor);

  const started = stack.move();
  let ending: Promise<void> | undefined;
  return {
    folder,
    history,
    logs,
    source,
    services,
    programs,
    disks,
    registry: `127.0.0.1:${front.port}`,
    own,
    // Broken off, it is ended twice: neither may go on before all is.
    [Symbol.asyncDispose]: () => (ending ??= started.disposeAsync()),
  };
}

async function closeOwnClients({ firestore, pubsub, subscriber }: OwnClients): Promise<void> {
  await Promise.all([firestore.terminate(), subscriber.close(), pubsub.close()]);
}

/** Google's clients are told where the services are by the environment, which is this process's own. */
function openOwnClients(services: Readonly<Record<Service, RunningService>>): OwnClients {
  Object.assign(
    process.env,
    addressesOf(name => services[name].port),
  );
  const { port } = services.pubsub;
  return {
    firestore: new Firestore({ projectId: PROJECT }),
    pubsub: new PubSub({ projectId: PROJECT }),
    subscriber: new v1.SubscriberClient({
      projectId: PROJECT,
      servicePath: '127.0.0.1',
      port,
      sslCreds: credentials.createInsecure(),
    }),
    storage: new Storage({ projectId: PROJECT }),
  };
}

function addressesOf(portOf: (service: Service) => number): Record<string, string> {
  return {
    FIRESTORE_EMULATOR_HOST: `127.0.0.1:${portOf('firestore')}`,
    PUBSUB_EMULATOR_HOST: `127.0.0.1:${portOf('pubsub')}`,
    STORAGE_EMULATOR_HOST: `http://127.0.0.1:${portOf('storage')}`,
  };
}

async function environmentsOf(
  folder: string,
  services: Readonly<Record<Service, RunningService>>,
  source: Source,
  front: Proxy,
): Promise<Record<ProgramName, NodeJS.ProcessEnv>> {
  const common = {
    ...process.env,
    ...localEnvironment(),
    ...addressesOf(name => services[name].proxy.port),
    ...COMMON_SETTINGS,
    DERIVERY_SOURCE: source.setting,
    DERIVERY_BUCKET: BUCKET,
  };
  const secret = randomUUID().repeat(2);
  const registry = {
    ...common,
    ...NO_LIMITS,
    ...REGISTRY_SETTINGS,
    ...functionSettings('registry', 'http'),
    PORT: '0',
    DERIVERY_BLOB_URL: `http://127.0.0.1:${services.storage.proxy.port}/${BUCKET}/blobs`,
    DERIVERY_PUBLIC_URL: `http://127.0.0.1:${front.port}`,
    DERIVERY_HOP_SECRET: secret,
  };
  const config = await nixConfig('debian');
  const worker = (name: WorkerName): NodeJS.ProcessEnv => ({
    ...common,
    ...WORKER_SETTINGS,
    NIX_CONFIG: config,
    DERIVERY_NIX_STORE: join(folder, name, 'nix'),
    DERIVERY_SPOOL: join(folder, name, 'spool'),
  });
  return {
    'registry-0': registry,
    'registry-1': registry,
    'worker-0': worker('worker-0'),
    'worker-1': worker('worker-1'),
    prebuild: { ...common, ...functionSettings('prebuild', 'cloudevent') },
    janitor: { ...common, ...functionSettings('janitor', 'cloudevent') },
  };
}

function functionSettings(name: string, signature: 'http' | 'cloudevent'): NodeJS.ProcessEnv {
  return {
    FUNCTION_SOURCE: resolve(ROOT, `functions/${name}/index.ts`),
    FUNCTION_TARGET: name,
    FUNCTION_SIGNATURE_TYPE: signature,
    NODE_OPTIONS: FUNCTION_NODE_OPTIONS,
  };
}
