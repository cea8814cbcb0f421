import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { suite, test, type TestContext } from 'node:test';
import { checkPort, listenOnLoopback } from '#local/loopback.ts';
import { StartError } from '#local/start-error.ts';

const hasIPv6 = Object.values(networkInterfaces()).some(addresses =>
  addresses?.some(({ address }) => address === '::1'),
);

function greeter(context: TestContext): Server {
  const server = createServer(socket => socket.end('hello'));
  context.after(() => server.close());
  return server;
}

async function hear(host: string, port: number): Promise<string> {
  const socket = connect({ host, port });
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return data.toString();
}

/** Listens on an address alone, and hands back the port. */
async function occupy(context: TestContext, host: string): Promise<number> {
  const server = greeter(context).listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

await suite('loopback', () => {
  test('answers on 127.0.0.1 and ::1, and on no other address', async context => {
    const port = await listenOnLoopback(greeter(context), 0);
    assert.equal(await hear('127.0.0.1', port), 'hello');
    if (hasIPv6) assert.equal(await hear('::1', port), 'hello');
    // A server on all interfaces would answer here.
    await assert.rejects(hear('127.0.0.2', port), { code: 'ECONNREFUSED' });
  });

  test('gives up both addresses when it is closed', async context => {
    const server = greeter(context);
    const port = await listenOnLoopback(server, 0);
    server.close();
    await once(server, 'close');
    await listenOnLoopback(greeter(context), port);
  });

  test('accepts a free port, and leaves it free', async context => {
    const port = await occupy(context, '127.0.0.2');
    await checkPort(port);
    await listenOnLoopback(greeter(context), port);
  });

  for (const host of ['127.0.0.1', '0.0.0.0', ...(hasIPv6 ? ['::1'] : [])]) {
    test(`refuses a port that ${host} is in use of, in one line`, async context => {
      const port = await occupy(context, host);
      await assert.rejects(
        checkPort(port),
        new StartError(`Port ${port} is in use: choose another one with PORT.`),
      );
    });
  }
});
