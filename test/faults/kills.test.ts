// What dies, and what the pull that waits and the pull that follows see of it (kill anything at any moment: a waiting pull goes on, the next one works).
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { removeState, startLocalSystem, type LocalSystem } from '#test/e2e/local-system.ts';
import { checkBlobs, pullManifest } from '#test/e2e/oci-client.ts';
import { givePackages } from '#test/e2e/shared-state.ts';

/** A worker that is gone is soon known to be, and every hop tells how far the build is. */
const IMPATIENT = { DERIVERY_LEASE_SECONDS: '3', DERIVERY_HOLD_SECONDS: '0.3' };

/** A pull, and the moment when the registry first says of its build what `phase` matches. */
function pullAndWatch(system: LocalSystem, name: string, phase: RegExp) {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const pulled = pullManifest(system.registry, name, { onPhase: told => phase.test(told) && resolve() });
  // A pull that ends without ever saying so must not leave the test waiting.
  const ended = pulled.then(
    () => assert.fail(`${name} was ready before it was ever ${phase}`),
    (error: unknown) => assert.fail(String(error)),
  );
  return { pulled, reached: Promise.race([reached, ended]) };
}

async function workerOf(system: LocalSystem): Promise<number> {
  const { worker } = await system.processes();
  assert.ok(worker !== undefined, 'a worker runs');
  return worker;
}

describe('faults', { timeout: 300_000 }, () => {
  let state: string;
  let system: LocalSystem;

  before(async () => {
    state = await mkdtemp(join(tmpdir(), 'derivery-faults-'));
    await givePackages(state);
    system = await startLocalSystem({ source: 'debian', state, env: IMPATIENT });
  });

  after(async () => {
    await system.stop();
    await rm(state, { recursive: true, force: true });
  });

  test('a pull while the worker is stopped waits, and succeeds when it goes on', async () => {
    const worker = await workerOf(system);
    process.kill(worker, 'SIGSTOP');
    const { pulled, reached } = pullAndWatch(system, 'hello', /waiting for a worker/);
    await reached;
    process.kill(worker, 'SIGCONT');
    const manifest = await pulled;
    assert.ok((await checkBlobs(system.registry, 'hello', manifest)) > 1);
  });

  test('a pull that waits when the registry is told to end goes on with the next one', async () => {
    const worker = await workerOf(system);
    process.kill(worker, 'SIGSTOP');
    const { registry } = await system.processes();
    assert.ok(registry !== undefined);
    const { pulled, reached } = pullAndWatch(system, 'nonroot/hello', /waiting for a worker/);
    await reached;
    process.kill(registry, 'SIGTERM');
    process.kill(worker, 'SIGCONT');
    assert.ok((await checkBlobs(system.registry, 'nonroot/hello', await pulled)) > 1);
    assert.notEqual((await system.processes())['registry'], registry);
  });

  test('T2: kill -9 of the worker in the middle of a first pull: another takes over, and the same pull succeeds', async () => {
    const { pulled, reached } = pullAndWatch(system, 'slow-hello', /building [1-9]/);
    await reached;
    process.kill(await workerOf(system), 'SIGKILL');
    const manifest = await pulled;
    assert.ok((await checkBlobs(system.registry, 'slow-hello', manifest)) > 1);
  });

  test('kill -9 of everything in the middle of a first pull: started again, the next pull succeeds', async () => {
    const { pulled, reached } = pullAndWatch(system, 'curl/jq', /building [1-9]/);
    await reached;
    await system.kill();
    await assert.rejects(pulled);
    system = await startLocalSystem({ source: 'debian', state, env: IMPATIENT });
    const manifest = await pullManifest(system.registry, 'curl/jq');
    assert.ok((await checkBlobs(system.registry, 'curl/jq', manifest)) > 1);
    // What was there before is there still.
    assert.ok((await checkBlobs(system.registry, 'hello', await pullManifest(system.registry, 'hello'))) > 1);
  });

  test('an empty state folder gives the same digests', async () => {
    const { digest } = await pullManifest(system.registry, 'jq');
    const empty = await mkdtemp(join(tmpdir(), 'derivery-empty-'));
    const fresh = await startLocalSystem({ source: 'debian', state: empty, env: IMPATIENT });
    try {
      assert.equal((await pullManifest(fresh.registry, 'jq')).digest, digest);
    } finally {
      await fresh.stop();
      await removeState(empty);
    }
  });
});
