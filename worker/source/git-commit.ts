// A commit's files on disk: fetched by a git of our own, and written as they were committed.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentError, TransientError } from '#core/errors.ts';
import { gitProtocol } from '#core/git-url.ts';
import type { SourceStore, StoredTree } from '../nix/store-source.ts';
import { gitFailure } from './git-failure.ts';
import type { Purpose, Repositories, Repository } from './git-repositories.ts';

/**
 * The commit's tree in the store, as it was committed: links as links, executables as such, empty folders for submodules;
 * no filter runs (no LFS), and no attribute leaves a file out. Throws a {@link PermanentError} where the repository does not
 * have the commit or cannot be read for good, a {@link TransientError} where nobody answers.
 */
export async function fetchCommit(
  repositories: Repositories,
  store: SourceStore,
  url: string,
  commit: string,
  signal: AbortSignal,
): Promise<StoredTree> {
  const temporary = await repositories.temporaryFolder();
  try {
    await checkOut(repositories, url, commit, temporary, signal);
    return await store.add(join(temporary, 'tree'), signal);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Writes the commit's files into `tree` below the folder. */
async function checkOut(
  repositories: Repositories,
  url: string,
  commit: string,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const take = (purpose: Purpose, fetch: typeof fetchAlone): Promise<boolean> =>
    repositories.use(url, purpose, signal, async repository => {
      const isThere =
        (await hasCommit(repository, commit, signal)) || (await fetch(repository, url, commit, signal));
      if (isThere) await writeFiles(repository, commit, folder, signal);
      return isThere;
    });
  if ((await take('commits', fetchAlone)) || (await take('whole', fetchAll))) return;
  throw new PermanentError({ kind: 'unknown_source', message: `${url} has no commit ${commit}` });
}

/** Points to a commit that came whole: refs are written last. */
function refOf(commit: string): string {
  return `refs/fetched/${commit}`;
}

async function hasCommit({ run }: Repository, commit: string, signal: AbortSignal): Promise<boolean> {
  return (await run(['rev-parse', '--verify', '--quiet', refOf(commit)], { signal })).succeeded;
}

/** What servers and transports say that do not send a commit by itself. */
const NOT_ALONE =
  /unadvertised object|not our ref|dumb http transport|does not support shallow|couldn't find remote ref|no such remote ref/i;

/** Fetches the commit without its past; false where the server does not send it that way. */
async function fetchAlone(
  { run }: Repository,
  url: string,
  commit: string,
  signal: AbortSignal,
): Promise<boolean> {
  const options = ['--depth=1', '--no-tags', '--no-write-fetch-head', '--progress'];
  const refs = [`+${commit}:${refOf(commit)}`];
  const result = await run(['fetch', ...options, '--', url, ...refs], { signal, protocol: gitProtocol(url) });
  if (!result.succeeded && NOT_ALONE.test(result.stderr)) return false;
  if (!result.succeeded) throw gitFailure(url, result.stderr);
  return true;
}

/** Fetches all branches and tags; false where the commit is not among what they lead to. */
async function fetchAll(
  { run }: Repository,
  url: string,
  commit: string,
  signal: AbortSignal,
): Promise<boolean> {
  const options = ['--prune', '--no-tags', '--no-write-fetch-head', '--progress'];
  const refs = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
  const result = await run(['fetch', ...options, '--', url, ...refs], { signal, protocol: gitProtocol(url) });
  if (!result.succeeded) throw gitFailure(url, result.stderr);
  return (await run(['update-ref', refOf(commit), commit], { signal })).succeeded;
}

async function writeFiles(
  { run, discard }: Repository,
  commit: string,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const type = await run(['cat-file', '-t', commit], { signal });
  if (type.succeeded && type.stdout.trim() !== 'commit') {
    throw new PermanentError({ kind: 'unknown_source', message: `${commit} is the name of no commit` });
  }
  const tree = join(folder, 'tree');
  await mkdir(tree);
  const options = { signal, environment: { GIT_INDEX_FILE: join(folder, 'index') } };
  const read = await run(['read-tree', commit], options);
  if (/invalid path/.test(read.stderr)) {
    const message = `commit ${commit} has a file of a name that git does not write`;
    throw new PermanentError({ kind: 'unknown_source', message });
  }
  const written =
    type.succeeded &&
    read.succeeded &&
    (await run([`--work-tree=${tree}`, 'checkout-index', '--all', '--quiet'], options)).succeeded;
  if (written) return;
  // Whether the disk is full or the repository is damaged: another try starts anew.
  await discard();
  throw new TransientError(`the files of commit ${commit} could not be written`);
}
