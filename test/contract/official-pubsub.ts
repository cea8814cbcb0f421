// Google's own Pub/Sub emulator, where this machine has it: a component of the Google Cloud CLI, run by Java.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, globSync, realpathSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface OfficialPubSub {
  readonly address: string;
  close(): Promise<void>;
}

/** The emulator's jar, or why there is nothing to compare with. */
export function findOfficialPubSub(): { readonly jar: string } | { readonly missing: string } {
  const root = cloudSdkRoot();
  if (root === undefined) return { missing: 'not compared: the Google Cloud CLI is not installed' };
  const [jar] = globSync(join(root, 'platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar'));
  if (jar === undefined) return { missing: `not compared: ${root} has no Pub/Sub emulator` };
  if (onPath('java') === undefined) return { missing: 'not compared: the Pub/Sub emulator needs java' };
  return { jar };
}

/** Starts it on a free port of 127.0.0.1; it keeps nothing on disk. */
export async function startOfficialPubSub(jar: string): Promise<OfficialPubSub> {
  // Asked for port 0 it does not say which one it took.
  const port = await freePort();
  const java = spawn('java', ['-jar', jar, '--host=127.0.0.1', `--port=${port}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await untilListening(java);
  const close = async (): Promise<void> => {
    const ended = once(java, 'exit');
    java.kill();
    await ended;
  };
  return { address: `127.0.0.1:${port}`, close };
}

function cloudSdkRoot(): string | undefined {
  const named = process.env['CLOUDSDK_ROOT_DIR'];
  if (named !== undefined) return named;
  const gcloud = onPath('gcloud');
  return gcloud === undefined ? undefined : dirname(dirname(realpathSync(gcloud)));
}

function onPath(program: string): string | undefined {
  const candidates = (process.env['PATH'] ?? '').split(delimiter).map(folder => join(folder, program));
  return candidates.find(candidate => existsSync(candidate) && isExecutable(candidate));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** It logs to stderr, which is read to its end: a full pipe would stop it. */
async function untilListening(java: ChildProcess): Promise<void> {
  if (!java.stderr) throw new Error('no pipe to the emulator');
  const log: string[] = [];
  const started = Promise.withResolvers<void>();
  createInterface(java.stderr).on('line', line => {
    log.push(line);
    if (line.includes('Server started, listening')) started.resolve();
  });
  java.once('error', started.reject);
  java.once('exit', () => started.reject(new Error(`Google's Pub/Sub emulator ended:\n${log.join('\n')}`)));
  await started.promise;
}
