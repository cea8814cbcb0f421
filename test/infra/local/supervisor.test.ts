import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { StartError } from '#local/start-error.ts';
import type { Program } from '#local/supervised-program.ts';
import { Supervisor, type SupervisorOptions } from '#local/supervisor.ts';

const PROGRAMS = resolve(import.meta.dirname, 'programs');

function program(name: string, changes: Partial<Program> = {}): Program {
  return {
    name,
    file: resolve(PROGRAMS, `${name}.ts`),
    environment: () => process.env,
    restarts: true,
    ...changes,
  };
}

/** A supervisor that writes down what it says, and what is waited for. */
function supervise(context: TestContext, options: Partial<SupervisorOptions> = {}) {
  const heard: string[] = [];
  let pids: Readonly<Record<string, number>> = {};
  let wake = Promise.withResolvers<void>();
  const hear = (text: string): void => {
    heard.push(text);
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  const supervisor = new Supervisor({
    onLine: (name, line) => hear(`${name}: ${line}`),
    onNotice: hear,
    onProcesses: now => {
      pids = now;
      hear(`running: ${Object.keys(now).join(' ')}`);
    },
    firstPause: 10,
    longestPause: 40,
    ...options,
  });
  context.after(() => supervisor.stop());
  return {
    supervisor,
    heard,
    pidOf: (name: string): number => pids[name] ?? assert.fail(`${name} does not run`),
    until: async (isSo: () => boolean): Promise<void> => {
      while (!isSo()) await wake.promise;
    },
  };
}

/** A zombie has ended: its parent, which may be the init of a container, has not looked yet. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

await suite('supervisor', { concurrency: 4, timeout: 20_000 }, () => {
  test('gives a program its environment, and hands back what it says when it is ready', async context => {
    const { supervisor } = supervise(context);
    const environment = () => ({ ...process.env, GREETING: 'hello' });
    const ready = await supervisor.start(program('obedient', { environment }));
    assert.deepEqual(ready.environment, { GREETING: 'hello' });
  });

  test('starts a program again that dies, after pauses that grow to the longest', async context => {
    const { supervisor, heard, until } = supervise(context);
    await supervisor.start(program('short-lived'));
    const notices = (): string[] => heard.filter(text => text.startsWith('The '));
    await until(() => notices().length >= 4);
    assert.deepEqual(
      notices().slice(0, 4),
      [0.01, 0.02, 0.04, 0.04].map(
        pause => `The short-lived ended (exit code 3). It is started again in ${pause} s.`,
      ),
    );
  });

  test('starts a program again that was killed, as another process', async context => {
    const { supervisor, heard, until, pidOf } = supervise(context);
    await supervisor.start(program('obedient'));
    const first = pidOf('obedient');
    heard.length = 0;
    process.kill(first, 'SIGKILL');
    await until(() => heard.includes('running: obedient'));
    assert.deepEqual(heard.slice(0, 3), [
      'running: ',
      'The obedient ended (killed by SIGKILL). It is started again in 0.01 s.',
      'running: obedient',
    ]);
    assert.notEqual(pidOf('obedient'), first);
  });

  test('fails, with its last words heard, where a program ends before it is ready', async context => {
    const { supervisor, heard } = supervise(context);
    await assert.rejects(
      supervisor.start(program('never-ready')),
      new StartError('The never-ready ended before it was ready (exit code 1).'),
    );
    assert.ok(heard.includes('never-ready: no such setting'));
  });

  test('is broken by the death of a program that the others need', async context => {
    const { supervisor, pidOf } = supervise(context);
    await supervisor.start(program('obedient', { restarts: false }));
    process.kill(pidOf('obedient'), 'SIGKILL');
    await assert.rejects(supervisor.broken, new StartError('The obedient ended (killed by SIGKILL).'));
  });

  test('stops one group after the other, and starts nothing after', async context => {
    const { supervisor, heard } = supervise(context);
    await supervisor.start(program('first', { file: resolve(PROGRAMS, 'obedient.ts') }));
    await supervisor.start(program('last', { file: resolve(PROGRAMS, 'obedient.ts') }));
    heard.length = 0;
    await supervisor.stop([['first'], ['last']]);
    assert.deepEqual(heard, ['first: asked to end', 'running: last', 'last: asked to end', 'running: ']);
    await assert.rejects(supervisor.start(program('obedient')), StartError);
  });

  test('kills a program that does not end, or cannot', async context => {
    const { supervisor, heard, pidOf } = supervise(context, { grace: 50 });
    await supervisor.start(program('stubborn'));
    await supervisor.start(program('obedient'));
    const pids = [pidOf('stubborn'), pidOf('obedient')];
    process.kill(pidOf('obedient'), 'SIGSTOP');
    await supervisor.stop([['stubborn', 'obedient']]);
    assert.ok(heard.includes('stubborn: not yet'), 'it was asked first');
    assert.deepEqual(pids.filter(isAlive), []);
  });

  test('does not start a program again whose pause is cut short by the stop', async context => {
    const { supervisor, heard, until } = supervise(context, { firstPause: 60_000 });
    await supervisor.start(program('short-lived'));
    await until(() => heard.some(text => text.startsWith('The ')));
    await supervisor.stop([['short-lived']]);
    assert.equal(heard.filter(text => text === 'running: short-lived').length, 1);
  });

  test('leaves it to the supervisor what Ctrl-C ends', async context => {
    const { supervisor, heard, until, pidOf } = supervise(context);
    await supervisor.start(program('obedient'));
    process.kill(pidOf('obedient'), 'SIGINT');
    supervisor.send('obedient', { still: 'there' });
    await until(() => heard.includes('obedient: got {"still":"there"}'));
  });

  test('takes all programs along when it is killed, even those that do not end when asked', async () => {
    const supervising = fork(resolve(PROGRAMS, 'supervising.ts'), [], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'ipc'],
    });
    const [pids] = (await once(supervising, 'message')) as [number[]];
    assert.deepEqual(pids.map(isAlive), [true, true]);
    // Every program holds the other end: it closes with the last of them.
    const held = supervising.stdio[3] as Readable;
    held.resume();
    const allGone = once(held, 'close');
    supervising.kill('SIGKILL');
    await allGone;
    // What has ended is there until the system has taken note of it, which nothing tells: the suite's limit bounds this.
    while (pids.some(isAlive)) await delay(10);
  });
});
