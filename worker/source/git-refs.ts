// Asking a repository which commit a ref stands for, without fetching anything.
import { PermanentError } from '#core/errors.ts';
import { gitProtocol } from '#core/git-url.ts';
import { HEAD_REF, isGitRef } from '#core/git-ref.ts';
import type { FoundRevision } from './found-revision.ts';
import { gitFailure } from './git-failure.ts';
import type { Git } from './git.ts';

const COMMIT = /^[0-9a-f]{40}$/;

/**
 * Finds a ref of a repository: {@link HEAD_REF} is its HEAD, 40 hex digits are a commit (nobody is asked whether it
 * exists), anything else a branch, else a tag. Throws a {@link PermanentError} where there is none or the repository cannot be
 * read for good, a TransientError where nobody answers.
 */
export async function resolveGitRef(
  git: Git,
  url: string,
  ref: string,
  signal: AbortSignal,
): Promise<FoundRevision> {
  if (COMMIT.test(ref)) return { revision: ref, gitRef: undefined };
  // What is no ref could be a pattern: git matches those.
  const wanted = ref === HEAD_REF ? ['HEAD'] : isGitRef(ref) ? [`refs/heads/${ref}`, `refs/tags/${ref}`] : [];
  const patterns = wanted.flatMap(name => [name, `${name}^{}`]);
  // Without these a server lists all it has: on GitHub hundreds of thousands of pull requests, and for HEAD it has to.
  const kinds = ref === HEAD_REF ? [] : ['--heads', '--tags'];
  const commits =
    wanted.length === 0 ? new Map() : await list(git, url, [...kinds, '--', url, ...patterns], signal);
  for (const gitRef of wanted) {
    const revision = commits.get(gitRef);
    if (revision !== undefined) return { revision, gitRef };
  }
  const what = ref === HEAD_REF ? 'no HEAD' : `no branch, tag or commit "${ref}"`;
  throw new PermanentError({ kind: 'unknown_source', message: `${url} has ${what}` });
}

/** What lies below these are branches and tags, in whatever depth. */
const NAMESPACES = ['refs/heads/', 'refs/tags/'];

/** The commits that branches and tags of a repository stand at. Throws as {@link resolveGitRef} does. */
export async function listTips(git: Git, url: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  return new Set((await listAll(git, url, signal)).values());
}

/** The names of a repository's branches and tags. Throws as {@link resolveGitRef} does. */
export async function listNames(git: Git, url: string, signal: AbortSignal): Promise<string[]> {
  const fullNames = [...(await listAll(git, url, signal)).keys()];
  return NAMESPACES.flatMap(namespace =>
    fullNames.filter(name => name.startsWith(namespace)).map(name => name.slice(namespace.length)),
  );
}

function listAll(git: Git, url: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  return list(git, url, ['--heads', '--tags', '--', url], signal);
}

/** The commit that each ref stands for, by the ref's full name; of an annotated tag (`^{}`) the one behind it. */
async function list(
  git: Git,
  url: string,
  what: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const args = ['ls-remote', '--quiet', ...what];
  const { succeeded, stdout, stderr } = await git(args, { signal, protocol: gitProtocol(url) });
  if (!succeeded) throw gitFailure(url, stderr);
  const commits = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const [commit = '', name = ''] = line.split('\t');
    // A peeled tag comes after the tag itself.
    if (COMMIT.test(commit)) commits.set(name.replace(/\^\{\}$/, ''), commit);
  }
  return commits;
}
