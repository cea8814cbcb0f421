import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { resolve } from 'node:path';
import { StartError } from '#local/start-error.ts';
import { Supervisor } from '#local/supervisor.ts';

/** Serves a function of programs/functions.ts as the local system does. */
async function serve(context: TestContext, target: string, signature = 'http') {
  const lines: string[] = [];
  let heard = Promise.withResolvers<void>();
  const supervisor = new Supervisor({
    onLine: (_, line) => {
      lines.push(line);
      heard.resolve();
      heard = Promise.withResolvers();
    },
    onNotice: () => {},
    onProcesses: () => {},
  });
  context.after(() => supervisor.stop());
  const ready = supervisor.start({
    name: 'function',
    file: resolve(import.meta.dirname, '../../../infra/local/function-server.ts'),
    environment: () => ({
      ...process.env,
      NODE_ENV: 'production',
      PORT: '0',
      FUNCTION_SOURCE: resolve(import.meta.dirname, 'programs/functions.ts'),
      FUNCTION_TARGET: target,
      FUNCTION_SIGNATURE_TYPE: signature,
    }),
    restarts: false,
  });
  const nextLine = async (): Promise<string> => {
    if (lines.length === 0) await heard.promise;
    return lines.shift() ?? '';
  };
  return { port: ready.then(({ port }) => port ?? 0), nextLine };
}

await suite('function server', { concurrency: 4, timeout: 20_000 }, () => {
  test("serves an HTTP function through Google's framework, on this machine only", async context => {
    const port = await (await serve(context, 'registry')).port;
    const answer = await fetch(`http://localhost:${port}/v2/a%2Fb?c`, { method: 'PATCH' });
    assert.equal(await answer.text(), 'PATCH /v2/a%2Fb?c');
    // Only the framework answers this by itself.
    assert.equal((await fetch(`http://127.0.0.1:${port}/favicon.ico`)).status, 404);
    await assert.rejects(fetch(`http://127.0.0.2:${port}/`), TypeError);
  });

  test('shows clients nothing of an error', async context => {
    const port = await (await serve(context, 'registry')).port;
    const answer = await fetch(`http://localhost:${port}/fail`);
    assert.equal(answer.status, 500);
    assert.doesNotMatch(await answer.text(), /secret|\.ts/);
  });

  test('hands an event function what Pub/Sub posts', async context => {
    const { port, nextLine } = await serve(context, 'janitor', 'cloudevent');
    const message = { data: Buffer.from('sweep').toString('base64'), messageId: '1', attributes: {} };
    const answer = await fetch(`http://localhost:${await port}/projects/p/topics/maintenance`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message, subscription: 'projects/p/subscriptions/maintenance' }),
    });
    assert.equal(answer.status, 204);
    assert.equal(await nextLine(), 'google.cloud.pubsub.topic.v1.messagePublished sweep');
  });

  test('does not start without a function', async context => {
    const { port, nextLine } = await serve(context, 'notAFunction');
    await assert.rejects(port, StartError);
    assert.match(await nextLine(), /exports no function named notAFunction/);
  });
});
