// Programs started from their bundles, each with the environment that a deployment gives it and with nothing of the sources: Node's
// permission model ends a function that reads a file elsewhere, and a hook a worker that loads a module from there.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LineLog } from '#test/e2e/line-log.ts';
import type { InstalledBundles } from './installed-bundles.ts';

export type FunctionName = 'registry' | 'prebuild' | 'janitor';

export interface BundleProcess extends AsyncDisposable {
  readonly pid: number;
  readonly log: LineLog;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** As the cloud ends it; resolves when it is gone. */
  stop(): Promise<number | NodeJS.Signals>;
}

export interface FunctionProcess extends BundleProcess {
  readonly port: number;
  /** From the start of the process until it listened. Milliseconds. */
  readonly startMs: number;
}

/** What a deployment gives a program. */
export interface Given {
  readonly environment: NodeJS.ProcessEnv;
  /** Files and folders that a function may read besides its own: secrets that are mounted. */
  readonly reads?: readonly string[];
}

/** Where functions-framework's command is in the folder of the functions: what `node_modules/.bin/functions-framework` links to. */
const FRAMEWORK = 'node_modules/@google-cloud/functions-framework/build/src/main.js';

/** Starts a function as Cloud Run does. Resolves when it listens, on loopback; fails with its output where it ends before. */
export async function startFunction(
  { functions, toldPort }: Pick<InstalledBundles, 'functions' | 'toldPort'>,
  name: FunctionName,
  { environment, reads = [] }: Given,
): Promise<FunctionProcess> {
  const startedAt = performance.now();
  const child = fork(join(functions, FRAMEWORK), {
    ...common(functions, {
      ...environment,
      NODE_ENV: 'production',
      PORT: '0',
      FUNCTION_TARGET: name,
      FUNCTION_SIGNATURE_TYPE: name === 'registry' ? 'http' : 'cloudevent',
    }),
    // bcrypt's machine code is an addon.
    execArgv: [
      ...PERMISSION,
      ...mayRead([functions, toldPort, ...reads]),
      '--allow-addons',
      '--import',
      toldPort,
    ],
  });
  const running = follow(child);
  const told = once(child, 'message') as Promise<[{ port: number }]>;
  const result = await Promise.race([told, running.ended]);
  if (!Array.isArray(result)) throw new Error(`${name} ended (${result}):\n${running.log.lines.join('\n')}`);
  return { ...running, port: result[0].port, startMs: performance.now() - startedAt };
}

/** Starts the worker as its unit does. Resolves when it is ready; fails with its output where it ends before. */
export async function startWorker(
  { worker, ownModules }: Pick<InstalledBundles, 'worker' | 'ownModules'>,
  { environment }: Pick<Given, 'environment'>,
): Promise<BundleProcess> {
  const child = fork(join(worker, 'index.mjs'), {
    ...common(worker, environment),
    execArgv: [
      // It looks where Nix and git are, reads what they made, and links to it: for links Node wants all rights to files.
      ...PERMISSION,
      '--allow-fs-read=*',
      '--allow-fs-write=*',
      '--allow-child-process',
      '--allow-worker',
      '--import',
      ownModules,
    ],
  });
  const running = follow(child);
  await running.log.until('"ready"');
  return running;
}

const PERMISSION = ['--permission', '--disable-warning=SecurityWarning'];

/** A path that is not there yet is taken for a file's: what will be in it is named as well. */
function mayRead(paths: readonly string[]): string[] {
  return paths.flatMap(path => [`--allow-fs-read=${path}`, `--allow-fs-read=${join(path, '*')}`]);
}

/** Nothing of this process's environment but where programs are, and of ours no folder. */
function common(folder: string, environment: NodeJS.ProcessEnv) {
  return {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'] as ('ignore' | 'pipe' | 'ipc')[],
  };
}

function follow(child: ChildProcess): BundleProcess {
  const log = new LineLog();
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', line => log.add(line));
  }
  const ended = once(child, 'close').then(([code, signal]) => {
    log.end();
    return (code ?? signal) as number | NodeJS.Signals;
  });
  const stop = (): Promise<number | NodeJS.Signals> => {
    child.kill('SIGTERM');
    return ended;
  };
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return { pid: child.pid ?? 0, log, ended, stop, [Symbol.asyncDispose]: end };
}
