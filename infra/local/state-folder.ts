// The folder of one instance: everything that is kept lies here, and only one instance uses it at a time.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import { StartError } from './start-error.ts';

export interface StateFolder {
  /** Absolute, without symbolic links: Nix refuses a store behind one. */
  readonly root: string;
  readonly firestore: string;
  readonly pubsub: string;
  readonly storage: string;
  readonly iam: string;
  /** A Nix store of its own (chroot store). */
  readonly nix: string;
  /** The bundled package set's packages. */
  readonly debian: string;
  /** Layers on their way to the bucket. */
  readonly spool: string;
  /** What the registry signs the hops of waiting pulls with: the same at each start, so that they go on over a restart. */
  readonly hopSecret: string;
  /** What it signs the tokens of callers with: they stay good over a restart too. */
  readonly tokenSecret: string;
  /**
   * The open lock. Whoever has it open keeps the folder locked, so it is handed to every program that writes here:
   * the lock ends with the last of them, however they end.
   */
  readonly lock: number;
  /** Tells who runs: `processes.json` has each program's name and process id. */
  readonly recordProcesses: (pids: Readonly<Record<string, number>>) => void;
  /** Tells other programs where the services are: `services.json` has what they need in their environment. */
  readonly recordServices: (environment: Readonly<Record<string, string>>) => void;
  /** Says that nothing runs any more. */
  readonly forgetProcesses: () => Promise<void>;
}

/** Seconds that programs of an instance which was killed may take to end. */
const WAIT_FOR_LOCK = 3;

/**
 * Creates the folder where it is missing, and locks it, waiting `wait` seconds for whoever has it. Throws a
 * {@link StartError} where that cannot be.
 */
export async function openStateFolder(folder: string, wait = WAIT_FOR_LOCK): Promise<StateFolder> {
  const root = await createFolder(folder);
  const lock = openLock(root);
  await takeLock(root, lock, wait);
  const processes = join(root, 'processes.json');
  const services = servicesFile(root);
  return {
    root,
    firestore: join(root, 'firestore'),
    pubsub: join(root, 'pubsub'),
    storage: join(root, 'storage'),
    iam: join(root, 'iam'),
    nix: join(root, 'nix'),
    debian: join(root, 'debian'),
    spool: join(root, 'spool'),
    hopSecret: keptSecret(join(root, 'hop-secret')),
    tokenSecret: keptSecret(join(root, 'token-secret')),
    lock,
    recordProcesses: pids => writeWhole(processes, { start: process.pid, ...pids }),
    recordServices: environment => writeWhole(services, environment),
    forgetProcesses: async () => {
      await Promise.all([processes, services].map(file => rm(file, { force: true })));
    },
  };
}

/** Where the state folder of a running instance says where its services are. */
export function servicesFile(root: string): string {
  return join(root, 'services.json');
}

/** The secret in a file of the owner's, made where there is none. */
function keptSecret(file: string): string {
  if (!existsSync(file)) {
    const next = `${file}.next`;
    writeFileSync(next, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
    renameSync(next, file);
  }
  return readFileSync(file, 'utf8').trim();
}

/** Writes a file that readers find whole or not at all. */
function writeWhole(file: string, content: object): void {
  const next = `${file}.next`;
  writeFileSync(next, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(next, file);
}

async function createFolder(folder: string): Promise<string> {
  try {
    await makeFolders(folder);
    return await realpath(folder);
  } catch (error) {
    throw unusable(folder, error);
  }
}

/** Makes a folder and those above it. Node's own way tries for ever below /proc, which says that they do not exist. */
async function makeFolders(folder: string): Promise<void> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  if (dirname(folder) !== folder) await makeFolders(dirname(folder));
  await mkdir(folder);
}

/** Opens the lock for writing, which also shows whether the folder can be written to. */
function openLock(root: string): number {
  try {
    return openSync(join(root, 'lock'), 'a');
  } catch (error) {
    throw unusable(root, error);
  }
}

/** Locks the open file by flock(2), which Node does not have; the lock belongs to the open file, not to the command. */
async function takeLock(root: string, lock: number, wait: number): Promise<void> {
  const flock = spawn('flock', ['--wait', String(wait), '3'], {
    stdio: ['ignore', 'ignore', 'inherit', lock],
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    flock.once('exit', resolve).once('error', reject);
  }).catch((error: unknown) => {
    throw new StartError(`The state folder cannot be locked: ${(error as Error).message}.`, { cause: error });
  });
  if (code === 0) return;
  const owner = await ownerOf(root);
  throw new StartError(
    `The state folder ${root} is in use by another instance${owner}: stop it, or choose another one with DERIVERY_STATE.`,
  );
}

async function ownerOf(root: string): Promise<string> {
  try {
    const { start } = JSON.parse(await readFile(join(root, 'processes.json'), 'utf8')) as { start: number };
    return ` (process ${start})`;
  } catch {
    return ''; // It has just been locked, and nothing runs yet.
  }
}

function unusable(folder: string, error: unknown): StartError {
  const { errno = 0 } = error as NodeJS.ErrnoException;
  const reason = getSystemErrorMessage(errno);
  return new StartError(
    `The state folder ${folder} cannot be written to (${reason}): choose another one with DERIVERY_STATE.`,
    { cause: error },
  );
}
