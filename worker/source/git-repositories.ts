// Repositories of the worker's own, in which what was fetched once need not be fetched again. Nothing in them is missed:
// one that is in doubt is removed.
import { createHash, randomUUID } from 'node:crypto';
import { glob, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pLimit, { type LimitFunction } from 'p-limit';
import { TransientError } from '#core/errors.ts';
import { packsAreWhole } from './git-packs.ts';
import { tellsOfFullDisk } from '../nix/nix-message.ts';
import { gitFailure } from './git-failure.ts';
import { GitKilledError, type Git, type GitOptions, type GitResult } from './git.ts';

/** Single commits without their past; all commits without their files; or all there is. */
export type Purpose = 'commits' | 'history' | 'whole';

export interface Repository {
  /** Runs a git command in it. Where that finds it damaged, it is given up. Throws a {@link TransientError} where the disk is full. */
  readonly run: (args: readonly string[], options: GitOptions) => Promise<GitResult>;
  /** Gives it up: the next use begins with an empty one. */
  readonly discard: () => Promise<void>;
}

export interface Repositories {
  readonly git: Git;
  /** A new folder beside them, for its caller to remove. */
  temporaryFolder(): Promise<string>;
  /**
   * Calls `work` with the repository for a URL and a purpose. Nobody else uses it meanwhile: of one folder there is one
   * worker, and here they take turns.
   */
  use<Result>(
    url: string,
    purpose: Purpose,
    signal: AbortSignal,
    work: (repository: Repository) => Promise<Result>,
  ): Promise<Result>;
}

/** Repositories below `folder`, which is created where it is missing, for this process alone. */
export function openRepositories(git: Git, folder: string): Repositories {
  const turns = new Map<string, LimitFunction>();
  let prepared: Promise<void> | undefined;

  function turnsOf(repository: string): LimitFunction {
    const known = turns.get(repository) ?? pLimit(1);
    turns.set(repository, known);
    return known;
  }

  return {
    git,
    async temporaryFolder() {
      const temporary = join(folder, 'temporary');
      // What a worker left that was killed.
      await (prepared ??= rm(temporary, { recursive: true, force: true }));
      await mkdir(temporary, { recursive: true, mode: 0o700 });
      return mkdtemp(join(temporary, 'tree-'));
    },
    use(url, purpose, signal, work) {
      const name = createHash('sha256').update(url).digest('hex');
      const path = join(folder, name, `${purpose}.git`);
      return turnsOf(path)(async () => {
        signal.throwIfAborted();
        await prepare(git, path, signal);
        return work({
          async run(args, options) {
            const result = await git([`--git-dir=${path}`, ...args], options).catch(
              async (error: unknown) => {
                if (error instanceof GitKilledError && FAULTS.has(error.signal)) await remove(path);
                throw error;
              },
            );
            if (!result.succeeded && tellsOfDamage(result.stderr)) await remove(path);
            // No answer about the repository, whatever was asked.
            if (!result.succeeded && tellsOfFullDisk(result.stderr)) throw gitFailure(url, result.stderr);
            return result;
          },
          discard: () => remove(path),
        });
      });
    },
  };
}

/** What git says of a repository of its own that it cannot use, as after a loss of power; a server's words aside. */
const DAMAGE =
  /^(?!remote: ).*(?:unable to update local ref|not a git repository|reference broken|bad object|is corrupt|object file .* is empty|died of signal (?:6|7|8|11)\b)/m;

/** How git ends by a fault of its own, as it does where it asks itself in circles for what is missing. */
const FAULTS = new Set<NodeJS.Signals | undefined>(['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV']);

function tellsOfDamage(stderr: string): boolean {
  return DAMAGE.test(stderr);
}

/** Files beside packs, two to three each: a repository of so many is slow, and fetched anew. */
const PACK_FILE_LIMIT = 150;

async function prepare(git: Git, path: string, signal: AbortSignal): Promise<void> {
  const packs = join(path, 'objects/pack');
  const packFiles = await readdir(packs).catch(() => undefined);
  if (packFiles !== undefined) {
    if (packFiles.length <= PACK_FILE_LIMIT && (await packsAreWhole(packs))) return removeLocks(path);
    await remove(path);
  }
  await create(git, path, signal);
}

/** Locks of a git that was killed, and packs that it did not finish. It is nobody else's: see {@link Repositories.use}. */
async function removeLocks(path: string): Promise<void> {
  for await (const lock of glob(['*.lock', 'refs/**/*.lock', 'objects/pack/tmp_*'], { cwd: path })) {
    await rm(join(path, lock), { force: true });
  }
}

/** It appears at once or not at all. */
async function create(git: Git, path: string, signal: AbortSignal): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const made = await git(['init', '--quiet', '--bare', '--template=', temporary], { signal });
    if (!made.succeeded) {
      const why = errorOf(made.stderr);
      throw new TransientError(`git cannot create a repository of the worker’s own${why}`);
    }
    await mkdir(join(temporary, 'info'), { recursive: true });
    await writeFile(join(temporary, 'info/attributes'), ATTRIBUTES);
    await rename(temporary, path);
  } finally {
    await remove(temporary);
  }
}

/** What is worth to be told of it, after what failed. */
function errorOf(stderr: string): string {
  return tellsOfFullDisk(stderr) ? ': No space left on device' : '';
}

/**
 * Over whatever a repository's own .gitattributes say (gitattributes(5) on precedence): files are taken as they were
 * committed, so that no filter runs, and a tree's content depends on the commit alone.
 */
const ATTRIBUTES = '* !text !crlf !eol !ident !filter !working-tree-encoding\n';

async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}
