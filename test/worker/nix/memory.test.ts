// What takes more memory than it may have ends, with a sentence that says so.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { PermanentError, TransientError } from '#core/errors.ts';
import { debianSet, found, resolveNames, type DebianSet } from '#test/nix/debian-set.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { realise } from '#worker/nix/realise.ts';

const MEMORY_MB = 512;

const signal = AbortSignal.timeout(60_000);
let set: DebianSet;
before(async () => {
  const shared = await debianSet();
  set = { ...shared, nix: { ...shared.nix, memoryMb: MEMORY_MB } };
});

suite('within the limit', () => {
  test('packages are resolved and built as without one', async context => {
    const folder = await scratchSet(context, { modest: `echo ${randomUUID()} >$out` });
    await realise(set.nix, found(await resolveNames(set, ['modest'], folder)), { signal });
    assert.equal(found(await resolveNames(set, ['hello'])).length, 1);
  });

  test('no builder is stopped for address space that it only reserves', async context => {
    // As Go, Java and V8 do, by the gigabyte.
    const reserve =
      'use constant { ANON => 0x22, NONE => 0 }; syscall(9, 0, 1 << 34, NONE, ANON, -1, 0) > 0 or die $!';
    const script = `perl -e '${reserve}' && echo ${randomUUID()} >$out`;
    const folder = await scratchSet(context, { reserving: script });
    await realise(set.nix, found(await resolveNames(set, ['reserving'], folder)), { signal });
  });
});

suite('beyond the limit', () => {
  test('an evaluation ends and says what it had', async context => {
    const folder = await mkdtemp(join(tmpdir(), 'derivery-bomb-'));
    context.after(() => rm(folder, { recursive: true }));
    const bomb = 'let grow = n: s: if n == 0 then s else grow (n - 1) (s + s); in grow 36 "x"';
    await writeFile(join(folder, 'default.nix'), `{ ... }: { bomb = throw (${bomb}); }`);
    await assert.rejects(resolveNames(set, ['bomb'], folder), (error: unknown) => {
      assert.ok(error instanceof PermanentError, String(error));
      assert.deepEqual(error.failure, {
        kind: 'build_failed',
        message: 'the evaluation needs more memory than the 512 MiB that it may have here',
      });
      return true;
    });
  });

  // `tail` keeps what has no line end.
  const GREEDY = 'head -c 2000000000 /dev/zero | tail -n 1 | head -c 1';

  test('a builder fails, with its log and the limit', async context => {
    const folder = await scratchSet(context, { greedy: `set -o pipefail; echo ${randomUUID()}; ${GREEDY}` });
    const items = found(await resolveNames(set, ['greedy'], folder));
    await assert.rejects(realise(set.nix, items, { signal }), (error: unknown) => {
      assert.ok(error instanceof PermanentError, String(error));
      assert.equal(error.failure.kind, 'build_failed');
      assert.match(error.message, /^"greedy" cannot be built: .* each process may have 512 MiB here\.$/);
      assert.match(error.failure.log ?? '', /memory/);
      return true;
    });
  });

  test('that the machine has no memory left is another matter: it may have some again', async context => {
    const script = `echo ${randomUUID()}; echo "fork: Cannot allocate memory"; exit 1`;
    const folder = await scratchSet(context, { unlucky: script });
    const items = found(await resolveNames(set, ['unlucky'], folder));
    const unlimited = { ...set.nix, memoryMb: undefined };
    await assert.rejects(realise(unlimited, items, { signal }), TransientError);
  });
});
