import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { access, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { PermanentError, TransientError } from '#core/errors.ts';
import { LONG_LOG_LIMIT } from '#core/failure.ts';
import { debianSet, found, OTHER_SYSTEM, resolveNames, type DebianSet } from '#test/nix/debian-set.ts';
import { cacheOf, derivations, emptyStore, type Built } from '#test/worker/nix/binary-cache.ts';
import { newGate } from '#test/worker/nix/gate.ts';
import { processesWith, untilRunning } from '#test/worker/nix/processes.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { UNCOLLECTED } from '#worker/collection/build-roots.ts';
import { openNix, type Nix } from '#worker/nix/nix.ts';
import type { Realisable } from '#worker/nix/realisable.ts';
import { realise } from '#worker/nix/realise.ts';
import { runNix } from '#worker/nix/run-nix.ts';

const signal = AbortSignal.timeout(90_000);
let set: DebianSet;
before(async () => {
  set = await debianSet();
});

/** The failure of a build that has to fail for good. */
async function permanentFailure(names: readonly string[], folder?: string) {
  const items = found(await resolveNames(set, names, folder));
  const error: unknown = await realise(set.nix, items, { signal }).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof PermanentError, String(error));
  assert.equal(error.failure.kind, 'build_failed');
  return error.failure;
}

test('builds what is missing and counts it; a second time there is nothing to count', async context => {
  const once = randomUUID();
  const folder = await scratchSet(context, {
    one: `echo ${once} >$out`,
    two: 'cat ${one} >$out',
    three: 'cat ${two} >$out',
  });
  const items = found(await resolveNames(set, ['one', 'three'], folder));
  const progress: [number, number][] = [];
  const onProgress = (done: number, of: number): void => void progress.push([done, of]);
  await realise(set.nix, items, { signal, onProgress });
  assert.deepEqual(progress, [
    [0, 3],
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
  for (const { path } of items) await access(set.nix.realPath(path));

  progress.length = 0;
  await realise(set.nix, items, { signal, onProgress });
  assert.deepEqual(progress, []);
});

test('what is no output of its derivation is not taken for one, though it is there', async context => {
  const folder = await scratchSet(context, { secret: 'echo secret >$out', open: 'echo open >$out' });
  const [open, secret] = found(await resolveNames(set, ['open', 'secret'], folder));
  assert.ok(open && secret);
  await realise(set.nix, [secret], { signal });
  await assert.rejects(realise(set.nix, [{ ...open, path: secret.path }], { signal }), error => {
    assert.ok(error instanceof PermanentError);
    assert.equal(error.message, `"open" is not what its derivation makes: that is not at ${secret.path}`);
    return true;
  });
});

test('a builder that speaks of the network has failed all the same, and its log is told', async context => {
  const script = 'echo "test 7: Connection refused"; echo "1 of 9 tests failed"; exit 3';
  const folder = await scratchSet(context, { testing: script });
  const { log } = await permanentFailure(['testing'], folder);
  assert.match(log ?? '', /Connection refused\n1 of 9 tests failed$/);
});

suite('several at once', () => {
  test('with outputs in common all end', async context => {
    // Three Nix processes at once wait for each other for ever here: each keeps the lock of what another one has built.
    // The sleeps make them meet so (tried): the test fails by the signal's limit, not by a time.
    const folder = await scratchSet(context, {
      x: `sleep 1.2; echo ${randomUUID()} >$out`,
      y: `sleep 2.1; echo ${randomUUID()} >$out`,
      a: `echo ${randomUUID()} >$out`,
      b: `echo ${randomUUID()} >$out`,
      c: `echo ${randomUUID()} >$out`,
    });
    const all: Promise<void>[] = [];
    for (const name of ['a', 'b', 'c']) {
      const items = found(await resolveNames(set, ['x', 'y', name], folder));
      const begun = Promise.withResolvers<void>();
      const onProgress = (): void => begun.resolve();
      all.push(realise(set.nix, items, { signal, onProgress, onWaiting: onProgress }).finally(begun.resolve));
      // The next one comes while this one is at it, or waits.
      await begun.promise;
    }
    await Promise.all(all);
  });

  /** Realises one that never ends by itself, and hands it to `meanwhile` when it is being built. */
  async function besideEndless(
    nix: Nix,
    items: readonly Realisable[],
    meanwhile: () => Promise<void>,
  ): Promise<void> {
    const stop = new AbortController();
    const begun = Promise.withResolvers<void>();
    const onProgress = (done: number): void => {
      if (done > 0) begun.resolve();
    };
    const endless = realise(nix, items, { signal: AbortSignal.any([signal, stop.signal]), onProgress });
    endless.catch(begun.reject);
    await begun.promise;
    try {
      await meanwhile();
    } finally {
      stop.abort();
      await assert.rejects(endless);
    }
  }

  const onWaiting = (): void => assert.fail('it waits');

  test('what has no derivation in common with another one does not wait for it, nor what is there', async context => {
    const folder = await scratchSet(context, {
      there: `echo ${randomUUID()} >$out`,
      endless: 'cat ${there}; sleep 1000',
      other: 'cat ${there} >$out',
    });
    const [endless, other, there] = found(await resolveNames(set, ['endless', 'other', 'there'], folder));
    assert.ok(endless && other && there);
    await besideEndless(set.nix, [endless], async () => {
      await realise(set.nix, [there, other], { signal, onWaiting });
      await access(set.nix.realPath(other.path));
    });
  });

  test('what another one builds too is waited for, and that is told', async context => {
    const gate = newGate();
    const folder = await scratchSet(context, {
      shared: gate.script,
      needing: 'cat ${shared} >$out',
    });
    const [needing, shared] = found(await resolveNames(set, ['needing', 'shared'], folder));
    assert.ok(needing && shared);
    const begun = Promise.withResolvers<void>();
    const first = realise(set.nix, [shared], { signal, onProgress: () => begun.resolve() });
    await begun.promise;

    const gone = new AbortController();
    const leaving = { signal: gone.signal, onWaiting: () => gone.abort(new Error('gone')) };
    await assert.rejects(realise(set.nix, [needing], leaving), /^Error: gone$/);

    const waits: boolean[] = [];
    const opened = Promise.withResolvers<void>();
    await realise(set.nix, [needing], {
      signal,
      onWaiting: isWaiting => {
        waits.push(isWaiting);
        if (isWaiting) opened.resolve(gate.open());
      },
    });
    assert.deepEqual(waits, [true, false]);
    await Promise.all([opened.promise, first]);
  });

  test('what can be fetched does not wait for who builds what it is made with', async context => {
    const gate = newGate();
    const scripts = { tool: gate.script, app: 'test -e ${tool}; echo app >$out' };
    const builder = await emptyStore(context);
    const [{ app }] = await Promise.all([derivations(context, builder, scripts, true), gate.open()]);
    assert.ok(app);
    const nix = await emptyStore(context, { from: await cacheOf(context, builder, [app.path]) });
    const { tool } = await derivations(context, nix, scripts);
    assert.ok(tool);
    const item = (name: string, { drv, path }: Built): Realisable => ({ name, drv, path, output: 'out' });
    await besideEndless(nix, [item('tool', tool)], () =>
      realise(nix, [item('app', app)], { signal, onWaiting }),
    );
  });
});

suite('a build that is stopped for good', () => {
  const limit = new PermanentError({ kind: 'build_failed', message: 'it took too long' });

  test('says what it was building, and what that printed so far', async context => {
    const endless = newGate();
    const folder = await scratchSet(context, {
      done: `echo ${randomUUID()} >$out`,
      endless: `cat \${done}; echo 'line 1'; echo 'line 2'; ${endless.script}`,
    });
    const items = found(await resolveNames(set, ['endless'], folder));
    const stop = new AbortController();
    const stopped = realise(set.nix, items, { signal: stop.signal }).catch((thrown: unknown) => thrown);
    await endless.reached();
    stop.abort(limit);
    const error: unknown = await stopped;
    assert.ok(error instanceof PermanentError, String(error));
    assert.equal(error.message, 'it took too long; it was building endless');
    assert.match(error.failure.log ?? '', /\nline 1\nline 2$/);
  });

  test('says no more than the reason where nothing was being built', async context => {
    const folder = await scratchSet(context, { some: `echo ${randomUUID()} >$out` });
    const items = found(await resolveNames(set, ['some'], folder));
    await assert.rejects(realise(set.nix, items, { signal: AbortSignal.abort(limit) }), limit);
  });
});

test('nothing to realise is done', async () => {
  await realise(set.nix, [], { signal });
});

test('links keep the outputs from collection', async context => {
  const packages = await scratchSet(context, { kept: `echo ${randomUUID()} >$out` });
  const items = found(await resolveNames(set, ['kept'], packages));
  const place = await mkdtemp(join(tmpdir(), 'derivery roots-'));
  context.after(() => rm(place, { recursive: true }));
  const folder = join(place, 'of the image');
  await realise(set.nix, items, { signal, roots: { ...(await UNCOLLECTED()), folder } });
  assert.equal((await readdir(folder)).length, 1);
  const paths = items.map(({ path }) => path);
  const deletion = await runNix(set.nix, 'nix-store', ['--delete', ...paths], { signal });
  assert.equal(deletion.succeeded, false, 'Nix would delete it');
  await rm(folder, { recursive: true });
  const free = await runNix(set.nix, 'nix-store', ['--delete', ...paths], { signal });
  assert.equal(free.succeeded, true, free.stderr);
});

suite('a builder that fails', () => {
  test('is a permanent failure with the end of its log', async () => {
    const failure = await permanentFailure(['hello', 'failing-hello']);
    assert.equal(failure.message, '"failing-hello" cannot be built: its builder failed with exit code 3.');
    assert.match(failure.log ?? '', /line 199 of the log\nline 200 of the log\nthe build says why$/);
  });

  test('is named where others need it', async context => {
    const broken = `echo ${randomUUID()}; exit 4`;
    const folder = await scratchSet(context, { broken, first: 'cat ${broken}', second: 'cat ${broken}' });
    const failure = await permanentFailure(['first', 'second'], folder);
    assert.match(
      failure.message,
      /^"first", "second" cannot be built: the builder of broken, which it needs, failed with exit code 4\.$/,
    );
  });

  test('may print anything at any length', async context => {
    const script = `echo ${randomUUID()}; printf '\\x1b[31mred\\x1b[0m \\xff\\xfe\\n'; head -c 3000000 /dev/zero | tr '\\0' x; printf '\\nthe end'; exit 1`;
    const { log = '' } = await permanentFailure(['loud'], await scratchSet(context, { loud: script }));
    assert.ok(log.length <= LONG_LOG_LIMIT, `${log.length}`);
    assert.match(log, /the end$/);
  });

  test('that makes nothing does not tell where it ran', async context => {
    const { message } = await permanentFailure(
      ['idle'],
      await scratchSet(context, { idle: `: ${randomUUID()}` }),
    );
    assert.match(message, /its builder failed to produce output path for output 'out'\.$/);
  });

  test('without a word has an empty log', async context => {
    const { log } = await permanentFailure(
      ['mute'],
      await scratchSet(context, { mute: `: ${randomUUID()}; exit 1` }),
    );
    assert.equal(log, '');
  });
});

suite('what another try may get past is transient', () => {
  test('a builder that is killed', async context => {
    const mark = `killed-${randomUUID()}`;
    const folder = await scratchSet(context, { unlucky: `exec -a ${mark} sleep 1000` });
    const items = found(await resolveNames(set, ['unlucky'], folder));
    const outcome = assert.rejects(realise(set.nix, items, { signal }), TransientError);
    await untilRunning(mark, true);
    for (const pid of await processesWith(mark)) process.kill(pid, 'SIGKILL');
    await outcome;
  });

  test('a full disk', async context => {
    const script = `echo ${randomUUID()}; echo "cp: error writing x: No space left on device"; exit 1`;
    const folder = await scratchSet(context, { unlucky: script });
    const items = found(await resolveNames(set, ['unlucky'], folder));
    await assert.rejects(realise(set.nix, items, { signal }), TransientError);
  });
});

test('what needs a builder for another platform, and has none, is a permanent failure that names it', async context => {
  const folder = await scratchSet(context, { needed: `echo ${randomUUID()}`, wanted: 'cat ${needed} >$out' });
  const config = `${set.nix.environment['NIX_CONFIG']}\nextra-platforms =\n`;
  const nix = openNix({ store: set.store, config });
  const items = found(await resolveNames({ ...set, system: OTHER_SYSTEM }, ['wanted'], folder));
  const error: unknown = await realise(nix, items, { signal }).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof PermanentError, String(error));
  assert.deepEqual(error.failure, {
    kind: 'build_failed',
    message: '"wanted" cannot be built here: needs a builder for aarch64-linux.',
  });
});

test('a store path that nobody can make is no permanent failure of a package', async () => {
  const [hello] = found(await resolveNames(set, ['hello']));
  assert.ok(hello);
  const gone = { ...hello, drv: hello.drv.replace(/[a-z0-9]{32}/, '0'.repeat(32)) };
  await assert.rejects(realise(set.nix, [gone], { signal }), TransientError);
});
