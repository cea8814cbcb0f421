import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FieldValue } from '@google-cloud/firestore';
import type { CloudEvent } from '@google-cloud/functions-framework';
import { asksForDryRun } from '#functions/janitor/message.ts';
import { readJanitorSettings } from '#functions/janitor/settings.ts';
import { sourceKey } from '#core/source-document.ts';
import { BUCKET, claimant, PROJECT } from '#test/cloud.ts';
import { INSTANCE, startMachine } from '#test/functions/worker-machine/machine-stand-in.ts';
import { DAY_MS, Yard } from './yard.ts';

let yard: Yard;
before(async () => {
  yard = await Yard.open();
  Object.assign(process.env, { GOOGLE_CLOUD_PROJECT: PROJECT, DERIVERY_BUCKET: BUCKET });
});
after(() => yard[Symbol.asyncDispose]());

/** An event as Pub/Sub's messages come in one. */
function eventOf(data: unknown, attributes: Record<string, string> | null = null) {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return { message: { data: Buffer.from(text).toString('base64'), attributes } };
}

test('the function sends hints again, starts the worker and collects when it is called, with the settings of its environment', async context => {
  const { calls, endpoint } = await startMachine(context);
  const machine = { DERIVERY_WORKER_INSTANCE: INSTANCE, DERIVERY_COMPUTE_ENDPOINT: endpoint };
  Object.assign(process.env, machine);
  const { janitor } = await import('#functions/janitor/index.ts');
  const call = (data: unknown) => janitor({ data } as CloudEvent<unknown>);
  const old = await yard.publish([await yard.storeBlob('of the function')]);
  const left = await yard.cloud.newQueued('pull');
  const popular = await yard.publish([await yard.storeBlob('of a source of another version')]);
  const source = sourceKey(popular.request);
  await yard.cloud.firestore.collection('sources').doc(source).set({ resolved: 'somewhere' });
  await yard.cloud.images.claim(left.key, claimant('vanished', 0.001));
  yard.later(31 * DAY_MS);
  const used = yard.cloud.firestore.collection('images').doc(popular.key);
  await used.update({ usedAt: FieldValue.serverTimestamp(), recentUses: 9 });

  await call(eventOf({ dryRun: true }));
  assert.ok(await yard.exists('images', old.key));
  assert.deepEqual(await yard.cloud.takeHints('pull'), []);
  assert.deepEqual(calls, []);

  await call(eventOf({}));
  assert.equal(await yard.exists('images', old.key), false);
  assert.equal(await yard.cloud.hintsAt(left.key, 'pull'), 1);
  assert.deepEqual(calls, ['get 200', 'start 200']);
});

test('a message asks for a dry run in its data or by an attribute, and in doubt it does', () => {
  for (const yes of [
    eventOf({ dryRun: true }),
    eventOf('', { dryRun: 'true' }),
    eventOf({ dryRun: 'yes' }),
  ]) {
    assert.equal(asksForDryRun(yes), true, JSON.stringify(yes));
  }
  const noes = [eventOf({}), eventOf({ dryRun: false }), eventOf('now!'), eventOf('', { dryRun: 'false' })];
  for (const no of [...noes, { message: {} }, undefined]) assert.equal(asksForDryRun(no), false);
});

test('the janitor needs a bucket, and says what is wrong with its settings', () => {
  const given = { GOOGLE_CLOUD_PROJECT: PROJECT, DERIVERY_BUCKET: BUCKET };
  assert.equal(readJanitorSettings(given).DERIVERY_JANITOR_DRY_RUN, false);
  assert.equal(
    readJanitorSettings({ ...given, DERIVERY_JANITOR_DRY_RUN: 'true' }).DERIVERY_JANITOR_DRY_RUN,
    true,
  );
  assert.throws(() => readJanitorSettings({ GOOGLE_CLOUD_PROJECT: PROJECT }), /DERIVERY_BUCKET is not set/);
  assert.throws(
    () => readJanitorSettings({ ...given, DERIVERY_JANITOR_DRY_RUN: 'maybe' }),
    /DERIVERY_JANITOR_DRY_RUN:/,
  );
});
