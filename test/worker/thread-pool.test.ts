import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

/** The threads of a process of its own, once the pool has more work than threads. */
function threadsOf(cores: number, environment: NodeJS.ProcessEnv = {}): number {
  const program = `
    import { readdirSync } from 'node:fs';
    import { pbkdf2 } from 'node:crypto';
    import { sizeThreadPool } from '#worker/thread-pool.ts';
    sizeThreadPool(${cores});
    for (let work = 0; work < 40; work++) pbkdf2('', '', 10, 8, 'sha256', () => {});
    console.log(readdirSync('/proc/self/task').length);
  `;
  const { UV_THREADPOOL_SIZE: _own, ...rest } = process.env;
  return Number(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      cwd: import.meta.dirname,
      env: { ...rest, ...environment },
    }),
  );
}

test('the pool has a thread for each core and two more, at least four, or as many as the environment says', () => {
  const others = threadsOf(1) - 4;
  assert.equal(threadsOf(12) - others, 14);
  assert.equal(threadsOf(12, { UV_THREADPOOL_SIZE: '7' }) - others, 7);
});
