// What Google's official emulators have in common: components of the Google Cloud CLI, run by Java.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** The folder of a component below the Google Cloud CLI, or why there is nothing to compare with. */
export function findComponent(folder: string): { readonly path: string } | { readonly missing: string } {
  const root = cloudSdkRoot();
  if (root === undefined) return { missing: 'not compared: the Google Cloud CLI is not installed' };
  const path = join(root, 'platform', folder);
  if (!existsSync(path)) return { missing: `not compared: ${path} is not installed` };
  if (onPath('java') === undefined) return { missing: 'not compared: the official emulators need java' };
  return { path };
}

export interface OfficialEmulator {
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Starts a Java program that listens on the port it is given, on 127.0.0.1, and waits for the line that says it does.
 */
export async function startEmulator(
  toArguments: (port: number) => readonly string[],
  readyLine: string,
): Promise<OfficialEmulator> {
  // Asked for port 0, the emulators do not say which one they took.
  const port = await freePort();
  const java = spawn('java', toArguments(port), { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): boolean => java.kill('SIGKILL');
  process.once('exit', kill);
  const log: string[] = [];
  const ready = Promise.withResolvers<void>();
  // Both streams are read to their ends: a full pipe would stop the program.
  const read = (stream: Readable): void => {
    createInterface(stream).on('line', line => {
      log.push(line);
      if (line.includes(readyLine)) ready.resolve();
    });
  };
  read(java.stdout);
  read(java.stderr);
  java.once('error', ready.reject);
  java.once('exit', () => ready.reject(new Error(`Google's emulator ended:\n${log.join('\n')}`)));
  await ready.promise;
  const close = async (): Promise<void> => {
    const ended = once(java, 'exit');
    process.off('exit', kill);
    if (kill()) await ended;
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
  return candidates.find(isExecutable);
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
