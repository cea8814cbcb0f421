import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { suite, test } from 'node:test';
import { holdPort } from '#local/held-port.ts';
import { Supervisor } from '#local/supervisor.ts';

suite('a port that is held', { timeout: 30_000 }, () => {
  test('has who connects while a function is started again wait for it', async context => {
    const { port, sockets } = holdPort(0);
    let pid = 0;
    const ended = Promise.withResolvers<void>();
    const supervisor = new Supervisor({
      onLine: () => {},
      onNotice: () => ended.resolve(),
      onProcesses: pids => (pid = pids['function'] ?? pid),
    });
    context.after(() => supervisor.stop());
    await supervisor.start({
      name: 'function',
      file: resolve(import.meta.dirname, '../../../infra/local/function-server.ts'),
      environment: () => ({
        ...process.env,
        FUNCTION_SOURCE: resolve(import.meta.dirname, 'programs/functions.ts'),
        FUNCTION_TARGET: 'registry',
      }),
      sockets,
      restarts: true,
    });
    const hosts = ['127.0.0.1', '[::1]'].slice(0, sockets.length);
    const ask = async (host: string): Promise<string> => (await fetch(`http://${host}:${port}/v2/`)).text();
    assert.deepEqual(new Set(await Promise.all(hosts.map(ask))), new Set(['GET /v2/']));

    const first = pid;
    process.kill(first, 'SIGTERM');
    await ended.promise;
    // Nobody answers now.
    assert.deepEqual(new Set(await Promise.all(hosts.map(ask))), new Set(['GET /v2/']));
    assert.notEqual(pid, first);
  });

  test('is none that another one has', async context => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    assert.throws(() => holdPort(port), { code: 'EADDRINUSE' });
  });
});
