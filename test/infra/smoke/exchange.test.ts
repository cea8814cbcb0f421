// One exchange with a server that does not end its answers.
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { measure, send } from '#smoke/exchange.ts';
import { findingLines } from '#smoke/report.ts';

interface Answering extends AsyncDisposable {
  readonly url: URL;
}

async function answering(listener: RequestListener): Promise<Answering> {
  const server = createServer(listener);
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/`),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise(resolve => {
        server.close(resolve);
      });
    },
  };
}

/** Sends as fast as it is taken, without an end. */
const endless: RequestListener = (_, response) => {
  const part = Buffer.alloc(65_536);
  const fill = (): void => {
    while (response.write(part));
  };
  response.on('drain', fill);
  fill();
};

test('a body without an end is read as far as it may be long', async () => {
  await using server = await answering(endless);
  await assert.rejects(send(server.url), /^Error: GET .*\/v2\/: the answer has more than 16000000 bytes$/);
  await assert.rejects(measure(server.url, { limitBytes: 10 }), /more than 10 bytes/);
});

test('a body as long as it may be is read', async () => {
  await using server = await answering((_, response) => void response.end('0123456789'));
  assert.equal((await measure(server.url, { limitBytes: 10 })).bytes, 10);
});

test('a server that falls silent amid its answer is told of', async () => {
  await using server = await answering((_, response) => void response.write('half'));
  await assert.rejects(send(server.url, { limitMs: 300 }), /the answer after 4 bytes: no end within 0\.3 s$/);
});

test('a server that hangs up amid its answer is told of', async () => {
  await using server = await answering((_, response) => {
    response.write('half', () => response.destroy());
  });
  await assert.rejects(send(server.url), /the answer after \d bytes: cut$/);
});

test('what a server says has a line, and commands no terminal', () => {
  const says = 'denied\u001B[2J\n✓ all is well\u009B1A';
  const finding = { name: 'login', outcome: 'failed', says, advice: 'Look.' } as const;
  // No terminal's: without colours.
  const lines = findingLines(finding, new PassThrough());
  assert.equal(lines, '✗ login: denied ✓ all is well\n    Look.');
});
