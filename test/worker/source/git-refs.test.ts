import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { openGit } from '#worker/source/git.ts';
import { listTips, resolveGitRef } from '#worker/source/git-refs.ts';
import { refusal } from './failures.ts';
import { createUpstream, type Upstream } from './upstream.ts';

const never = new AbortController().signal;
const git = openGit();

let upstream: Upstream;
let nowhere: string;
/** Commits: the one that is tagged, those on branches, and HEAD. */
let tagged: string;
let branched: string;
let slashed: string;
let head: string;

before(async () => {
  upstream = await createUpstream();
  nowhere = pathToFileURL(join(upstream.folder, 'nowhere')).href;
  tagged = await upstream.commit('first');
  await upstream.git('tag', '--annotate', '--message=signed off', 'v1.0');
  await upstream.git('tag', 'light');
  await upstream.git('checkout', '--quiet', '-b', 'release-26.05');
  branched = await upstream.commit('second');
  await upstream.git('tag', 'both');
  await upstream.git('checkout', '--quiet', '-b', 'feature/x');
  slashed = await upstream.commit('third');
  await upstream.git('checkout', '--quiet', 'trunk');
  // A branch and a tag of one name, at different commits.
  await upstream.git('branch', 'both');
  head = await upstream.commit('fourth');
  await upstream.push();
});
after(() => upstream[Symbol.asyncDispose]());

const resolve = (ref: string, url = upstream.url) => resolveGitRef(git, url, ref, never);

describe('a ref of a repository', () => {
  test('"latest" is its HEAD', async () => {
    assert.deepEqual(await resolve('latest'), { revision: head, gitRef: 'HEAD' });
  });

  test('is a branch, with a slash too', async () => {
    assert.deepEqual(await resolve('release-26.05'), {
      revision: branched,
      gitRef: 'refs/heads/release-26.05',
    });
    assert.deepEqual(await resolve('feature/x'), { revision: slashed, gitRef: 'refs/heads/feature/x' });
  });

  test('is a tag, and of an annotated one the commit behind it', async () => {
    assert.deepEqual(await resolve('light'), { revision: tagged, gitRef: 'refs/tags/light' });
    assert.deepEqual(await resolve('v1.0'), { revision: tagged, gitRef: 'refs/tags/v1.0' });
  });

  test('is the branch where a tag has the same name', async () => {
    assert.deepEqual(await resolve('both'), { revision: tagged, gitRef: 'refs/heads/both' });
  });

  test('is a commit where it looks like one, without asking anyone', async () => {
    assert.deepEqual(await resolve(branched, nowhere), { revision: branched, gitRef: undefined });
  });

  const missing = ['no-such-ref', 'V1.0', 'release', 'x', 'deadbeef', 'HEAD', 'x'.repeat(128)];
  const hostile = [
    '*',
    'fea*',
    '--upload-pack=x',
    '-q',
    'v1.0^{}',
    'a\nb',
    'a\0b',
    '',
    'refs/heads/trunk',
    '../x',
  ];
  for (const ref of [...missing, ...hostile]) {
    test(`is not there: ${JSON.stringify(ref).slice(0, 20)}`, async () => {
      await assert.rejects(resolve(ref), refusal(`${upstream.url} has no branch, tag or commit "${ref}"`));
    });
  }

  test('cannot be asked for where there is no repository', async () => {
    await assert.rejects(
      resolve('latest', nowhere),
      refusal(`${nowhere} does not appear to be a git repository`),
    );
  });

  test('is asked for at an address, never at an option of git or a program', async () => {
    const proof = join(upstream.folder, 'pwned');
    for (const url of [
      `/--upload-pack=touch ${proof} #`,
      `ssh://-oProxyCommand=touch%20${proof}/x`,
      `file:///x;touch ${proof}`,
      `https://$(touch ${proof})/`,
    ]) {
      await assert.rejects(resolve('latest', url));
    }
    await assert.rejects(access(proof));
  });

  test('is not waited for when the build is to stop', async () => {
    const reason = new Error('stopping');
    await assert.rejects(resolveGitRef(git, upstream.url, 'latest', AbortSignal.abort(reason)), reason);
  });
});

test('the tips of a repository are the commits of its branches and tags', async () => {
  assert.deepEqual(await listTips(git, upstream.url, never), new Set([head, slashed, branched, tagged]));
});
