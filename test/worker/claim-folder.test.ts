import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ConfigurationError } from '#core/errors.ts';
import { claimFolder } from '#worker/claim-folder.ts';

async function scene(context: TestContext): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'derivery-claims-'));
  context.after(() => rm(parent, { recursive: true }));
  return parent;
}

test('a folder is one process’s, and the next one’s when that has been killed', async context => {
  const parent = await scene(context);
  const other = fork(join(import.meta.dirname, 'fixtures/claim-folder.ts'), [parent]);
  assert.deepEqual(await once(other, 'message'), [join(parent, '0'), undefined]);
  assert.equal(await claimFolder(parent), join(parent, '1'));
  other.kill('SIGKILL');
  await once(other, 'exit');
  const claims = await Promise.all([claimFolder(parent), claimFolder(parent)]);
  assert.deepEqual(claims.toSorted(), [join(parent, '0'), join(parent, '2')]);
});

test('what cannot be a folder is said', async context => {
  const parent = await scene(context);
  await writeFile(join(parent, 'file'), '');
  await assert.rejects(claimFolder(join(parent, 'file/sources')), (error: unknown) => {
    assert.ok(error instanceof ConfigurationError);
    assert.match(error.message, /file\/sources cannot be used: .*not a directory/);
    return true;
  });
});
