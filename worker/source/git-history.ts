// Whether a commit is part of a repository. A server may know commits that are not: on GitHub everybody can put one
// into the parent's object store, by a fork.
import { LRUCache } from 'lru-cache';
import { PermanentError } from '#core/errors.ts';
import { gitProtocol } from '#core/git-url.ts';
import { gitFailure } from './git-failure.ts';
import { listTips } from './git-refs.ts';
import type { Repositories, Repository } from './git-repositories.ts';

export type CommitCheck = ReturnType<typeof createCommitCheck>;

/** Commits that are remembered to be reachable. */
const MEMORY = 10_000;

export function createCommitCheck(repositories: Repositories) {
  const reachable = new LRUCache<string, true>({ max: MEMORY });

  async function isReachable(url: string, commit: string, signal: AbortSignal): Promise<boolean> {
    const inHistory = (look: (history: Repository) => Promise<boolean>): Promise<boolean> =>
      repositories.use(url, 'history', signal, look);
    if (await inHistory(history => contains(history, commit, signal))) return true;
    if ((await listTips(repositories.git, url, signal)).has(commit)) return true;
    return inHistory(async history => {
      await fetchHistory(history, url, signal);
      return contains(history, commit, signal);
    });
  }

  return {
    /**
     * Makes sure that a branch or a tag of the repository leads to the commit, and asks the server only where that is not
     * known yet. Throws a {@link PermanentError} where none does, and what cannot be read as `resolveGitRef` does.
     */
    async require(url: string, commit: string, signal: AbortSignal): Promise<void> {
      const key = `${commit} ${url}`;
      if (reachable.has(key)) return;
      if (!(await isReachable(url, commit, signal))) {
        throw new PermanentError({
          kind: 'unknown_source',
          message: `${url} has no branch or tag that leads to a commit ${commit}`,
        });
      }
      reachable.set(key, true);
    },
  };
}

/** Brings branches and tags, and all commits behind them; no files, where the server can leave them out. */
async function fetchHistory(history: Repository, url: string, signal: AbortSignal): Promise<void> {
  // A filter wants a remote with a name, which is promised to have the rest.
  const remote = ['-c', `remote.origin.url=${url}`];
  const options = ['--filter=tree:0', '--prune', '--no-tags', '--no-write-fetch-head', '--progress'];
  const refs = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
  const { succeeded, stderr } = await history.run([...remote, 'fetch', ...options, 'origin', ...refs], {
    signal,
    protocol: gitProtocol(url),
  });
  if (!succeeded) throw gitFailure(url, stderr);
}

/** Whether a branch or tag, as they were fetched last, leads to it. */
async function contains(history: Repository, commit: string, signal: AbortSignal): Promise<boolean> {
  const type = await history.run(['cat-file', '-t', commit], { signal });
  if (!type.succeeded || type.stdout.trim() !== 'commit') return false;
  // Prints the commit where it is left over when all that leads to refs is taken away.
  const args = ['rev-list', '--max-count=1', '--ignore-missing', commit, '--not', '--branches', '--tags'];
  const left = await history.run(args, { signal });
  return left.succeeded && left.stdout === '';
}
