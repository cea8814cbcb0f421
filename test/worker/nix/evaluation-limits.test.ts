// An evaluation has its own limits, and ends well whatever it prints.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { PermanentError } from '#core/errors.ts';
import { debianSet, found, NO_ARGUMENTS, SYSTEM, type DebianSet } from '#test/nix/debian-set.ts';
import { untilRunning } from '#test/worker/nix/processes.ts';
import { setOf } from '#test/worker/nix/source-of.ts';
import type { EvaluationLimits, Nix } from '#worker/nix/nix.ts';
import { resolve } from '#worker/nix/resolve.ts';
import type { StoredSource } from '#worker/nix/stored-source.ts';

const signal = AbortSignal.timeout(60_000);
let set: DebianSet;
const silent = createServer(() => undefined);
before(async () => {
  set = await debianSet();
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const address = silent.address();
  assert.ok(address !== null && typeof address === 'object');
  const url = `http://127.0.0.1:${address.port}/x.tar.gz`;
  waiting = `import (fetchTarball { url = "${url}"; sha256 = "${'0'.repeat(52)}"; })`;
});
after(() => {
  silent.closeAllConnections();
  silent.close();
});

const PACKAGE = `derivation { name = "one"; inherit system; builder = "/b"; }`;
// It pays no heed to signals, and recursion would end where the stack does.
const BUSY =
  'builtins.genericClosure { startSet = [ { key = 0; } ]; operator = { key }: [ { key = key + 1; } ]; }';
/** Waits for a server that never answers. */
let waiting: string;
const GROWING = 'let grow = n: s: if n == 0 then s else grow (n - 1) (s + s); in grow 36 "x"';

const limited = (limits: Partial<EvaluationLimits>): Nix => ({
  ...set.nix,
  evaluation: { seconds: 60, memoryMb: 4096, ...limits },
});

const ask = async (nix: Nix, source: StoredSource, packages = ['one']) =>
  resolve(nix, { source, system: SYSTEM, packages, importArguments: NO_ARGUMENTS }, { signal });

async function assertOver(asked: Promise<unknown>, message: string): Promise<void> {
  await assert.rejects(asked, (error: unknown) => {
    assert.ok(error instanceof PermanentError, String(error));
    assert.deepEqual(error.failure, { kind: 'build_failed', message });
    return true;
  });
}

suite('T15: over the limit', () => {
  const tooLong = 'the evaluation took longer than the 1 s that it may take here';
  const tooMuch = 'the evaluation needs more memory than the 300 MiB that it may have here';

  test('of time', async context => {
    const source = await setOf(context, set.nix, `{ ... }: { one = ${BUSY}; }`);
    await assertOver(ask(limited({ seconds: 1 }), source), tooLong);
  });

  test('of time, in what is built to go on with it: the builder ends too', async context => {
    const mark = randomUUID();
    const built = `derivation { name = "one"; inherit system; builder = "/bin/bash"; args = [ "-c" ": ${mark}; while :; do :; done" ]; }`;
    const source = await setOf(context, set.nix, `{ system, ... }: { one = import (${built}); }`);
    const over = assertOver(ask(limited({ seconds: 3 }), source), tooLong.replace('1 s', '3 s'));
    await untilRunning(mark, true);
    await over;
    await untilRunning(mark, false);
  });

  test('of memory, which is not what a builder may have', async context => {
    const source = await setOf(context, set.nix, `{ ... }: { one = throw (${GROWING}); }`);
    await assertOver(ask({ ...limited({ memoryMb: 300 }), memoryMb: 100_000 }, source), tooMuch);
  });

  test('of time, in what is evaluated alone to explain it', async context => {
    // It takes the others down, and the one that is left takes for ever.
    const source = await setOf(context, set.nix, `{ ... }: { a = abort "down"; one = ${waiting}; }`);
    await assertOver(ask(limited({ seconds: 1 }), source, ['a', 'one']), tooLong);
  });

  test('of memory, in the words that the package set has for a name', async context => {
    const source = await setOf(
      context,
      set.nix,
      `{ system, ... }: { one = ${PACKAGE} // { drvPath = throw (${GROWING}); }; }`,
    );
    await assertOver(ask(limited({ memoryMb: 300 }), source), tooMuch);
  });

  test('a name that is not there is told all the same, though its neighbour takes for ever', async context => {
    const source = await setOf(context, set.nix, `{ ... }: { one = ${waiting}; }`);
    assert.deepEqual(await ask(limited({ seconds: 1 }), source, ['onee']), [
      { kind: 'not_found', name: 'onee', near: [] },
    ]);
  });
});

test('a signal that is aborted is no limit', async context => {
  const source = await setOf(context, set.nix, `{ ... }: { one = ${waiting}; }`);
  const request = { source, system: SYSTEM, packages: ['one'], importArguments: NO_ARGUMENTS };
  const stop = AbortSignal.timeout(300);
  await assert.rejects(resolve(limited({}), request, { signal: stop }), error => error === stop.reason);
});

suite('a package set that prints a megabyte', () => {
  const LOUD = (then: string): string =>
    `builtins.foldl' (all: n: builtins.trace line all) (${then}) (builtins.genList (n: n) 1100)`;
  const LINE = 'let line = builtins.concatStringsSep "" (builtins.genList (_: "x") 1000); in';

  test('is heard to its end', async context => {
    const source = await setOf(context, set.nix, `{ system, ... }: ${LINE} { one = ${LOUD(PACKAGE)}; }`);
    assert.equal(found(await ask(set.nix, source)).length, 1);
  });

  test('and then fails, says why', async context => {
    const source = await setOf(
      context,
      set.nix,
      `{ system, ... }: ${LINE} { one = ${PACKAGE} // { drvPath = ${LOUD('throw "the reason"')}; }; }`,
    );
    const [item] = await ask(set.nix, source);
    assert.deepEqual(item, { kind: 'failed', name: 'one', message: 'the reason' });
  });
});
