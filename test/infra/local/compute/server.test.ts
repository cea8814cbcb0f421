import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { Machine } from '#local/compute/machine.ts';
import { startCompute } from '#local/compute/server.ts';

const INSTANCE = 'projects/p/zones/europe-west1-b/instances/worker';

/** A machine each of whose states ends when the test says so. */
async function start(context: TestContext) {
  const [staging, running, stopping] = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  assert.ok(staging && running && stopping);
  const machine = new Machine({
    staging: () => staging.promise,
    running: () => running.promise,
    stopping: () => stopping.promise,
  });
  const server = await startCompute({ instance: INSTANCE, machine });
  context.after(() => server.close());
  const ask = async (method: string, path = INSTANCE, authorization = 'Bearer t') => {
    const answer = await fetch(`${server.endpoint}${path}`, { method, headers: { authorization } });
    const body = (await answer.json()) as { status?: string; error?: { errors: { reason: string }[] } };
    return [answer.status, body.status ?? body.error?.errors[0]?.reason];
  };
  return { server, machine, ask, staging, running, stopping };
}

const START = `${INSTANCE}/start`;

describe('the stand-in for Compute Engine', () => {
  test('takes a machine through its states, and starts it from the last as from the first', async context => {
    const { machine, ask, staging, running, stopping } = await start(context);
    assert.deepEqual(await ask('GET'), [200, 'TERMINATED']);
    assert.deepEqual(await ask('POST', START), [200, 'RUNNING']);
    assert.deepEqual(await ask('GET', `${INSTANCE}?fields=status`), [200, 'STAGING']);
    assert.deepEqual(await ask('POST', START), [200, 'RUNNING'], 'there is nothing to do');
    staging.resolve();
    await machine.until('RUNNING');
    running.resolve();
    await machine.until('STOPPING');
    assert.deepEqual(await ask('POST', START), [400, 'resourceNotReady']);
    stopping.resolve();
    await machine.until('TERMINATED');
    assert.deepEqual(await ask('POST', START), [200, 'RUNNING']);
  });

  test('refuses as Google does', async context => {
    const { server, ask } = await start(context);
    assert.deepEqual(await ask('GET', INSTANCE, ''), [401, 'required']);
    assert.deepEqual(await ask('GET', `${INSTANCE}-2`), [404, 'notFound']);
    assert.deepEqual(await ask('POST', `${INSTANCE}-2/start`), [404, 'notFound']);
    assert.deepEqual(await ask('DELETE'), [501, 'notImplemented']);
    server.forbid('compute.instances.start');
    assert.deepEqual(await ask('GET'), [200, 'TERMINATED']);
    assert.deepEqual(await ask('POST', START), [403, 'forbidden']);
    server.fail(1);
    assert.deepEqual(await ask('GET'), [503, 'backendError']);
    assert.deepEqual(await ask('GET'), [200, 'TERMINATED']);
  });

  test('says of a machine that broke why it did', async () => {
    const machine = new Machine({ running: () => Promise.reject(new Error('no worker')) });
    machine.start();
    await assert.rejects(
      machine.until('TERMINATED').then(() => machine.until('STOPPING')),
      error => {
        assert.match(String((error as Error).cause), /no worker/);
        return true;
      },
    );
  });
});
