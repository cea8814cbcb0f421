import assert from 'node:assert/strict';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { PermanentError, TransientError } from '#core/errors.ts';
import { resolveGitRef, workTreeRevision } from '#worker/git.ts';

const never = new AbortController().signal;

let folder: string;
let tree: string;
let url: string;
/** Commits: the one that is tagged, one on a branch, and HEAD. */
let tagged: string;
let branched: string;
let head: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'derivery-git-'));
  tree = join(folder, 'tree');
  const bare = join(folder, 'bare.git');
  await mkdir(tree);
  await git('init', '--quiet', '--initial-branch=trunk');
  tagged = await commit('first');
  await git('tag', '--annotate', '--message=signed off', 'v1.0');
  await git('tag', 'light');
  await git('checkout', '--quiet', '-b', 'release-26.05');
  branched = await commit('second');
  await git('tag', 'both');
  await git('checkout', '--quiet', 'trunk');
  // A branch and a tag of one name, at different commits.
  await git('branch', 'both');
  head = await commit('third');
  await execa('git', ['clone', '--quiet', '--bare', tree, bare]);
  url = pathToFileURL(bare).href;
});
after(() => rm(folder, { recursive: true, force: true }));

/** Git in the work tree, whatever the machine's own configuration says. */
async function git(...args: string[]): Promise<string> {
  const identity = { NAME: 'Test', EMAIL: 'test@example.org' };
  const env = Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap(role =>
      Object.entries(identity).map(([field, value]) => [`GIT_${role}_${field}`, value]),
    ),
  );
  const { stdout } = await execa(
    'git',
    ['-C', tree, '-c', 'commit.gpgSign=false', '-c', 'tag.gpgSign=false', ...args],
    {
      env: { ...env, GIT_CONFIG_GLOBAL: '/dev/null' },
    },
  );
  return stdout;
}

async function commit(text: string): Promise<string> {
  await writeFile(join(tree, 'default.nix'), `"${text}"\n`);
  await git('add', '--all');
  await git('commit', '--quiet', '--message', text);
  return git('rev-parse', 'HEAD');
}

describe('a ref of a remote repository', () => {
  test('"latest" is its HEAD', async () => {
    assert.deepEqual(await resolveGitRef(url, 'latest', never), { revision: head, gitRef: 'HEAD' });
  });

  test('is a branch', async () => {
    assert.deepEqual(await resolveGitRef(url, 'release-26.05', never), {
      revision: branched,
      gitRef: 'refs/heads/release-26.05',
    });
  });

  test('is a tag, and of an annotated one the commit behind it', async () => {
    assert.deepEqual(await resolveGitRef(url, 'light', never), {
      revision: tagged,
      gitRef: 'refs/tags/light',
    });
    assert.deepEqual(await resolveGitRef(url, 'v1.0', never), { revision: tagged, gitRef: 'refs/tags/v1.0' });
  });

  test('is the branch where a tag has the same name', async () => {
    assert.deepEqual(await resolveGitRef(url, 'both', never), {
      revision: tagged,
      gitRef: 'refs/heads/both',
    });
  });

  test('is a commit where it looks like one, without asking anyone', async () => {
    const nowhere = pathToFileURL(join(folder, 'nowhere')).href;
    assert.deepEqual(await resolveGitRef(nowhere, branched, never), {
      revision: branched,
      gitRef: undefined,
    });
  });

  for (const ref of ['no-such-ref', 'V1.0', 'release', 'release-26', 'deadbeef', 'HEAD', 'x'.repeat(128)]) {
    test(`is not there: ${ref.slice(0, 20)}`, async () => {
      await assert.rejects(resolveGitRef(url, ref, never), (error: unknown) => {
        assert.ok(error instanceof PermanentError, String(error));
        assert.equal(error.failure.kind, 'unknown_source');
        assert.ok(error.message.includes(`"${ref}"`));
        return true;
      });
    });
  }

  test('cannot be asked for where the repository is out of reach: that may pass', async () => {
    const nowhere = pathToFileURL(join(folder, 'nowhere')).href;
    await assert.rejects(resolveGitRef(nowhere, 'latest', never), TransientError);
  });

  test('is asked for at an address, never at an option of git', async () => {
    const proof = join(folder, 'pwned');
    const options = [`--upload-pack=touch ${proof} #`, `--exec=touch ${proof} #`, '--help', '-q'];
    for (const option of options) {
      await assert.rejects(resolveGitRef(option, 'latest', never), (error: unknown) => {
        assert.ok(error instanceof TransientError, String(error));
        // Git takes it for the path of a repository.
        assert.match(error.message, /cannot read the package source/);
        return true;
      });
    }
    await assert.rejects(access(proof));
  });

  test('is not waited for when the build is to stop', async () => {
    const reason = new Error('stopping');
    await assert.rejects(resolveGitRef(url, 'latest', AbortSignal.abort(reason)), reason);
  });
});

describe('the revision of a work tree', () => {
  test('is its commit while nothing is changed, in a folder of it too', async () => {
    assert.equal(await workTreeRevision(tree, never), head);
    const inner = join(tree, 'inner');
    await mkdir(inner);
    assert.equal(await workTreeRevision(inner, never), head);
  });

  test('is none where a file is changed, or new, or it is no work tree', async () => {
    const file = join(tree, 'new.nix');
    await writeFile(file, '{}');
    assert.equal(await workTreeRevision(tree, never), undefined);
    await rm(file);
    await writeFile(join(tree, 'default.nix'), '"changed"\n');
    assert.equal(await workTreeRevision(tree, never), undefined);
    await git('checkout', '--quiet', '.');
    assert.equal(await workTreeRevision(tree, never), head);
    assert.equal(await workTreeRevision(folder, never), undefined);
  });
});
