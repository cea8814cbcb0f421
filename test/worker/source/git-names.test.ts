import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { PermanentError } from '#core/errors.ts';
import { listNames } from '#worker/source/git-refs.ts';
import { openGit } from '#worker/source/git.ts';

const { signal } = new AbortController();

test('the names of branches and tags are listed, and those of no other refs', async context => {
  const folder = await mkdtemp(join(tmpdir(), 'derivery-names-'));
  context.after(() => rm(folder, { recursive: true }));
  const git = (...args: string[]) =>
    execa('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);
  await git('init', '--quiet', '--initial-branch=main');
  await git('commit', '--quiet', '--allow-empty', '--message=first');
  await git('branch', 'feature/x');
  await git('branch', 'refs/heads/odd');
  await git('tag', 'v1.0');
  await git('tag', '--annotate', '--message=second', 'v2.0');
  await git('update-ref', 'refs/pull/1/head', 'HEAD');
  const names = await listNames(openGit(), folder, signal);
  assert.deepEqual(names.toSorted(), ['feature/x', 'main', 'refs/heads/odd', 'v1.0', 'v2.0']);
  await assert.rejects(listNames(openGit(), join(folder, 'none'), signal), PermanentError);
});
