// A stream without messages must outlast the client's keepalive check: every 30 s it asks, 15 s later it gives up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { onEveryBackend, type Backend } from './backends.ts';
import { Inbox } from './inbox.ts';

if (process.env['DERIVERY_TEST_IDLE_STREAM']) onEveryBackend('an idle stream', staysOpen);
else test('an idle stream stays open', { skip: 'takes 50 s: set DERIVERY_TEST_IDLE_STREAM=1' });

function staysOpen(backend: Backend): void {
  test('stays open', { skip: backend.differsIn('keepalives') }, async () => {
    const { topic, subscription } = await backend.clients().pair();
    const ends: string[] = [];
    subscription.on('debug', ({ message }) => ends.push(message));
    const inbox = new Inbox(subscription, message => message.ack());
    await topic.publishMessage({ data: Buffer.from('before') });
    await inbox.next();
    const streams = openStreams(subscription);
    await setTimeout(50_000); // the wait is the test
    assert.ok(openStreams(subscription).every((stream, index) => stream === streams[index]));
    assert.deepEqual(ends, []);
    await topic.publishMessage({ data: Buffer.from('after') });
    assert.equal((await inbox.next()).data.toString(), 'after');
    await inbox.close();
  });
}

/** The client's gRPC streams, which it does not show: a stream that was replaced is another object. */
function openStreams(subscription: object): unknown[] {
  interface Inside {
    readonly _subscriber: {
      readonly _stream: { readonly _streams: readonly { readonly stream: unknown }[] };
    };
  }
  return (subscription as Inside)._subscriber._stream._streams.map(({ stream }) => stream);
}
