// Nothing of Nix outlives what started it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { before, suite, test, type TestContext } from 'node:test';
import { ConfigurationError } from '#core/errors.ts';
import { debianSet, found, resolveNames, type DebianSet } from '#test/nix/debian-set.ts';
import { untilRunning } from '#test/worker/nix/processes.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { realise } from '#worker/nix/realise.ts';
import { runNix } from '#worker/nix/run-nix.ts';

const signal = AbortSignal.timeout(60_000);
let set: DebianSet;
before(async () => {
  set = await debianSet();
});

/** A package whose builder, and a child of it that pays no heed, run until someone ends them; and their mark. */
async function endless(context: TestContext): Promise<{ folder: string; mark: string }> {
  const mark = `endless-${randomUUID()}`;
  const script = `(trap "" TERM INT HUP; exec -a ${mark}-child sleep 1000) & exec -a ${mark} sleep 1000`;
  return { folder: await scratchSet(context, { endless: script }), mark };
}

suite('what is stopped ends with its builders', () => {
  test('T15: when the signal is aborted', async context => {
    const { folder, mark } = await endless(context);
    const items = found(await resolveNames(set, ['endless'], folder));
    const stop = new AbortController();
    const realised = realise(set.nix, items, { signal: stop.signal });
    await untilRunning(`${mark}-child`, true);
    stop.abort(new Error('enough'));
    await assert.rejects(realised, /^Error: enough$/);
    await untilRunning(mark, false);
  });

  test('when the worker is killed and can do nothing', async context => {
    const { folder, mark } = await endless(context);
    const worker = fork(join(import.meta.dirname, 'fixtures/realise.ts'), [folder, 'endless']);
    await untilRunning(`${mark}-child`, true);
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    await untilRunning(mark, false);
    await untilRunning(folder, false);
  });

  test('and the build can be made anew at once', async context => {
    const mark = `slow-${randomUUID()}`;
    const folder = await scratchSet(context, { slow: `exec -a ${mark} sleep 1000` });
    const items = found(await resolveNames(set, ['slow'], folder));
    for (const _ of [1, 2]) {
      const stop = new AbortController();
      const realised = realise(set.nix, items, { signal: stop.signal });
      await untilRunning(mark, true);
      stop.abort();
      await assert.rejects(realised, { name: 'AbortError' });
      await untilRunning(mark, false);
    }
  });
});

test('an aborted signal starts nothing', async () => {
  await assert.rejects(runNix(set.nix, 'nix-store', ['--version'], { signal: AbortSignal.abort() }), {
    name: 'AbortError',
  });
});

test('of a long stderr the end is kept, and every line is heard', async () => {
  const expression =
    'builtins.foldl\' (all: n: builtins.trace "line ${toString n}" all) 0 (builtins.genList (n: n) 20000)';
  let lines = 0;
  const result = await runNix(set.nix, 'nix-instantiate', ['--eval', '--expr', expression], {
    signal,
    onLine: () => (lines += 1),
  });
  assert.equal(result.succeeded, true);
  assert.equal(lines, 20_000);
  assert.ok(result.stderr.length <= 64 * 1024);
  assert.match(result.stderr, /trace: line 0\n$|trace: line 19999\n$/);
});

test('a limit on stdout keeps its end', async () => {
  const expression = 'builtins.concatStringsSep "\\n" (builtins.genList toString 5000)';
  const args = ['--eval', '--expr', expression];
  const { stdout } = await runNix(set.nix, 'nix-instantiate', args, {
    signal,
    stdoutLimit: 20,
  });
  assert.equal(stdout.length, 20);
  assert.match(stdout, /4999"\n$/);
});

test('of the environment Nix sees nothing but what it is given', async () => {
  process.env['DERIVERY_SECRET'] = 'leak';
  const args = ['--eval', '--expr', 'builtins.getEnv "DERIVERY_SECRET"'];
  const { stdout } = await runNix(set.nix, 'nix-instantiate', args, { signal });
  assert.equal(stdout, '""\n');
});

test('where Nix is not installed, that is said', async () => {
  const nix = { ...set.nix, environment: { ...set.nix.environment, PATH: '/nowhere' } };
  const run = runNix(nix, 'nix-store', ['--version'], { signal });
  await assert.rejects(run, ConfigurationError);
});
