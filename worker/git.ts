// Asking git which commit a ref stands for, without fetching anything.
import { execa, type Options } from 'execa';
import { PermanentError, TransientError } from '#core/errors.ts';

export interface GitRevision {
  /** The commit. */
  readonly revision: string;
  /** The full name of the ref it was found under, or undefined for a commit that was asked for as such. */
  readonly gitRef: string | undefined;
}

const COMMIT = /^[0-9a-f]{40}$/;

/**
 * Finds a ref of a remote repository: "latest" is its HEAD, 40 hex digits are a commit, anything else a branch, else a
 * tag. `ref` is a parsed tag of an image name: no option, no pattern. Throws a {@link PermanentError} where there is none.
 */
export async function resolveGitRef(url: string, ref: string, signal: AbortSignal): Promise<GitRevision> {
  if (COMMIT.test(ref)) return { revision: ref, gitRef: undefined };
  const wanted =
    ref === 'latest' ? ['HEAD'] : [`refs/heads/${ref}`, `refs/tags/${ref}^{}`, `refs/tags/${ref}`];
  const listed = await git(['ls-remote', '--', url, ...wanted], signal);
  if (listed.exitCode !== 0)
    throw new TransientError(`git cannot read the package source: ${reason(listed.stderr)}`);
  const commits = new Map(
    listed.stdout
      .split('\n')
      .map(line => line.split('\t'))
      .flatMap(([commit, name]) =>
        commit !== undefined && name !== undefined ? [[name, commit] as const] : [],
      ),
  );
  for (const name of wanted) {
    const revision = commits.get(name);
    // `^{}` names the commit behind an annotated tag: the ref to fetch is the tag.
    if (revision !== undefined) return { revision, gitRef: name.replace(/\^\{\}$/, '') };
  }
  throw new PermanentError({
    kind: 'unknown_source',
    message: `the package source has no branch, tag or commit "${ref}"`,
  });
}

/** The commit of a work tree without changes, and without files that git does not know; undefined for any other folder. */
export async function workTreeRevision(folder: string, signal: AbortSignal): Promise<string | undefined> {
  const status = await git(['-C', folder, 'status', '--porcelain', '--ignored', '--', '.'], signal);
  if (status.exitCode !== 0 || status.stdout !== '') return undefined;
  const head = await git(['-C', folder, 'rev-parse', 'HEAD'], signal);
  return head.exitCode === 0 ? head.stdout.trim() : undefined;
}

const OPTIONS = {
  reject: false,
  // Never a question at a terminal that nobody reads.
  env: { GIT_TERMINAL_PROMPT: '0' },
  // A server that accepts and says nothing would hold the build for ever: the lease is renewed all the while.
  timeout: 60_000,
} as const satisfies Options;

async function git(
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }> {
  const { exitCode, stdout, stderr } = await execa('git', args, { ...OPTIONS, cancelSignal: signal });
  signal.throwIfAborted();
  return { exitCode, stdout, stderr };
}

/** What git says is wrong; what follows it is advice for people at a terminal. */
function reason(stderr: string): string {
  const lines = stderr.trim().split('\n');
  return lines.find(line => line.startsWith('fatal: '))?.slice('fatal: '.length) ?? lines.at(-1) ?? '';
}
