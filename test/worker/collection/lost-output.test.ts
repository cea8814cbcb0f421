// T31: a builder whose output a collection takes while it is made, which Nix does not rule out.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PermanentError, TransientError } from '#core/errors.ts';
import { collectLog } from '#test/collected-log.ts';
import { derivations, emptyStore } from '#test/worker/nix/binary-cache.ts';
import { newGate } from '#test/worker/nix/gate.ts';
import { createCollector } from '#worker/collection/collector.ts';
import type { Nix } from '#worker/nix/nix.ts';
import type { Realisable } from '#worker/nix/realisable.ts';
import { realise } from '#worker/nix/realise.ts';
import { rootsOf } from './places.ts';

const signal = AbortSignal.timeout(120_000);

type When = 'before' | 'amid' | 'from before to amid';

/** How the realisation of a builder ends that loses what it makes, with a collection at that time. */
async function lose(context: TestContext, ends: string, when: When): Promise<unknown> {
  const nix = await emptyStore(context);
  const [own, others] = await Promise.all([rootsOf(context, nix), rootsOf(context, nix)]);
  const { log } = collectLog();
  // Never satisfied, and so at it whenever it is asked.
  const limits = { storeLimit: 1, freeAtLeast: 0 };
  const counted = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const recent = {
    ...others.recent,
    async count() {
      counted.resolve();
      await goOn.promise;
      return others.recent.count();
    },
  };
  const collector = createCollector({ nix, roots: { ...others, recent }, ...limits, log, signal });
  const collect = async (): Promise<void> => {
    goOn.resolve();
    await collector.look();
  };

  const gate = newGate();
  const { lost } = await derivations(context, nix, {
    lost: `echo begun >$out; ${gate.waiting} || ${ends}`,
  });
  assert.ok(lost);
  await using roots = await own.begin();
  assert.equal(await roots.keep([lost.drv], signal), true);

  if (when === 'before') await collect();
  const collecting = when === 'from before to amid' ? collector.look() : undefined;
  if (collecting !== undefined) await counted.promise;
  const item = { name: 'lost', output: 'out', ...lost };
  const ended = realise(nix, [item], { signal, roots }).catch((error: unknown) => error);
  await gate.reached();
  if (when === 'amid') await collect();
  goOn.resolve();
  await collecting;
  await rm(inTheMaking(nix, item), { recursive: true });
  await gate.open();
  return await ended;
}

/** Where Nix has a sandboxed builder's output until it is whole. */
function inTheMaking(nix: Nix, { drv, path }: Realisable): string {
  return join(`${nix.realPath(drv as typeof path)}.chroot`, path);
}

for (const [what, ends] of [
  ['notices', 'cat $out'],
  ['does not notice', 'exit 0'],
] as const) {
  for (const when of ['amid', 'from before to amid'] as const) {
    test(`is to be built again where there was a collection ${when}, if it ${what}`, async context => {
      const error = await lose(context, ends, when);
      assert.ok(error instanceof TransientError, String(error));
      assert.match(error.message, /^The build of lost was interrupted: failed .*the store was collected/);
    });
  }

  test(`has failed where there was none since it began, if it ${what}`, async context => {
    const error = await lose(context, ends, 'before');
    assert.ok(error instanceof PermanentError, String(error));
    assert.equal(error.failure.kind, 'build_failed');
  });
}
