import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSingleFlight } from '#worker/single-flight.ts';

const never = new AbortController().signal;

/** Work that ends when it is told to, and what became of each. */
function scene() {
  const begun: { signal: AbortSignal; end: PromiseWithResolvers<string> }[] = [];
  const fly = createSingleFlight<string>();
  const work = (signal: AbortSignal): Promise<string> => {
    const end = Promise.withResolvers<string>();
    begun.push({ signal, end });
    return end.promise;
  };
  return { begun, ask: (key: string, signal = never) => fly(key, signal, work) };
}

test('work that several ask for is done once, and again for who asks later', async () => {
  const { begun, ask } = scene();
  const asked = [ask('a'), ask('a'), ask('b')];
  assert.equal(begun.length, 2);
  begun[0]?.end.resolve('one');
  begun[1]?.end.resolve('two');
  assert.deepEqual(await Promise.all(asked), ['one', 'one', 'two']);
  const later = ask('a');
  begun[2]?.end.resolve('three');
  assert.equal(await later, 'three');
});

test('its failure is everyone’s, and is not remembered', async () => {
  const { begun, ask } = scene();
  const asked = [ask('a'), ask('a')];
  begun[0]?.end.reject(new Error('broken'));
  for (const one of asked) await assert.rejects(one, /broken/);
  const again = ask('a');
  begun[1]?.end.resolve('well');
  assert.equal(await again, 'well');
});

test('one who leaves does not end the work of others; the last one does', async () => {
  const { begun, ask } = scene();
  const [first, second] = [new AbortController(), new AbortController()];
  const asked = [ask('a', first.signal), ask('a', second.signal)];
  first.abort(new Error('gone'));
  await assert.rejects(asked[0] ?? Promise.resolve(), /^Error: gone$/);
  assert.equal(begun[0]?.signal.aborted, false);
  second.abort(new Error('gone too'));
  await assert.rejects(asked[1] ?? Promise.resolve(), /^Error: gone too$/);
  assert.equal(begun[0]?.signal.aborted, true);

  const next = ask('a');
  assert.equal(begun.length, 2, 'what is given up is not joined');
  begun[0]?.end.reject(new Error('given up'));
  begun[1]?.end.resolve('fresh');
  assert.equal(await next, 'fresh');
});

test('who has left already starts nothing', async () => {
  const { begun, ask } = scene();
  await assert.rejects(ask('a', AbortSignal.abort(new Error('gone'))), /^Error: gone$/);
  assert.equal(begun.length, 0);
});
