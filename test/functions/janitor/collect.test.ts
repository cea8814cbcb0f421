// The janitor's runs as a whole: order, time, dry runs, and two at once.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { FieldValue } from '@google-cloud/firestore';
import { digestOf } from '#core/digest.ts';
import { blobName } from '#core/google/bucket-contents.ts';
import { openRounds } from '#core/google/rounds.ts';
import { sourceKey } from '#core/source-document.ts';
import { collect } from '#functions/janitor/collect.ts';
import type { Outcome, Sweep } from '#functions/janitor/sweep.ts';
import { DAY_MS, HOUR_MS, Yard } from './yard.ts';

let yard: Yard;
before(async () => void (yard = await Yard.open()));
beforeEach(() => yard.clear());
after(() => yard[Symbol.asyncDispose]());

test('an image that nobody pulls goes, then its manifest, then its blobs, each at its time', async () => {
  const [config, layer] = [await yard.storeBlob('config'), await yard.storeBlob('layer')];
  const { key, manifest } = await yard.publish([config, layer]);

  yard.later(29 * DAY_MS);
  assert.deepEqual(await yard.collect(), { blobs: { named: 2 } }, 'a manifest names them');
  yard.later(DAY_MS);
  assert.deepEqual(await yard.collect(), { images: { deleted: 1 }, manifests: { deleted: 1 } });
  assert.equal(await yard.exists('images', key), false);
  assert.equal(await yard.exists('manifests', manifest.digest), false);

  yard.later(6 * DAY_MS);
  assert.deepEqual(await yard.collect(), { blobs: { marked: 2 } });
  assert.ok(await yard.blobs.read(layer), 'it is served for as long as it is marked');
  yard.later(DAY_MS / 2);
  assert.deepEqual(await yard.collect(), {});
  yard.later(DAY_MS / 2);
  assert.deepEqual(await yard.collect(), { tombstones: { condemned: 2 }, condemned: { deleted: 2 } });
  for (const digest of [config, layer]) {
    assert.equal(await yard.hasObject(digest), false);
    assert.equal(await yard.exists('blobs', digest), false);
  }
  assert.deepEqual(Object.keys((await yard.everything()) as object).length, 2);
  assert.ok((await yard.cloud.firestore.collection('layers').get()).empty, 'nobody is told of the layers');
});

/** Something for every sweep to do. */
async function everythingIsOver(): Promise<void> {
  const named = await yard.storeBlob('named');
  const { manifest } = await yard.publish([named]);
  const { mediaType, bytes } = manifest;
  const old = yard.cloud.firestore.collection('manifests').doc(`sha256:${'0'.repeat(64)}`);
  await old.set({ mediaType, bytes, usedAt: FieldValue.serverTimestamp() });
  await yard.rawBucket.file(`blobs/sha256/${'0'.repeat(64)}`).save('orphan', { resumable: false });
  await yard.rawBucket
    .file('snapshots/old')
    .save('', { resumable: false, metadata: { metadata: { revision: 'r0' } } });
  const lost = await yard.storeBlob('lost');
  await yard.rawBucket.file(blobName(lost)).delete();
  const fact = yard.cloud.firestore.collection('layers').doc('f'.repeat(64));
  await fact.set({ digest: digestOf('gone'), diffId: digestOf('gone'), size: 1 });
  for (const stage of ['liftable', 'final'] as const) {
    const blob = await yard.storeBlob(stage);
    const tombstone = { placedAt: FieldValue.serverTimestamp(), stage };
    await yard.cloud.firestore.collection('blobs').doc(blob).update({ tombstone });
  }
  const at = { source: { kind: 'path', folder: '/old' }, ref: 'latest' } as const;
  await yard.cloud.sources.record(sourceKey(at), at, { revision: 'r1' });
  yard.later(31 * DAY_MS);
}

test('a dry run says what would go, and writes nothing', async () => {
  await everythingIsOver();
  const present = await yard.everything();
  const told = await yard.collect(undefined, { dryRun: true });
  assert.deepEqual(await yard.everything(), present);
  assert.deepEqual(told, {
    images: { deleted: 1 },
    manifests: { deleted: 1 },
    'manifest-blobs': { listed: 1 },
    objects: { adopted: 1, lost: 1 },
    condemned: { deleted: 1 },
    'layer facts': { deleted: 1 },
    sources: { deleted: 1 },
    snapshots: { deleted: 1 },
  });
  await yard.collect(['manifest-blobs']);
  const second = await yard.collect(['blobs', 'tombstones'], { dryRun: true });
  assert.deepEqual(second, { blobs: { marked: 1, named: 1 }, tombstones: { condemned: 1 } });
});

test('what is over goes with one janitor as with two, in however small parts', async () => {
  await everythingIsOver();
  const runs = await Promise.all([yard.collect(), yard.collect()]);
  assert.ok(runs.every(told => Object.values(told).every(counts => counts.unknown === undefined)));
  for (let days = 0; days < 5; days += 1) {
    yard.later(8 * DAY_MS);
    await yard.collect();
  }
  const left = (await yard.everything()) as { documents: string[]; objects: string[] };
  assert.deepEqual(left.objects, []);
  assert.deepEqual(
    left.documents.filter(document => !document.startsWith('janitor/')),
    [],
  );
});

describe('a run', () => {
  /** A sweep of pages of one step each, which notes what it took. */
  function counting(pages: number, taken: string[], outcome: Outcome = 'kept'): Sweep {
    return {
      name: 'counted',
      restMs: 0,
      page: async position => {
        const at = Number(position ?? 0);
        const take = async () => {
          taken.push(String(at));
          return outcome;
        };
        return { items: [{ subject: String(at), take }], next: at + 1 < pages ? String(at + 1) : undefined };
      },
    };
  }

  test('that has no time left stops, and the next goes on where it was', async () => {
    const taken: string[] = [];
    const sweep = counting(3, taken);
    for (const state of ['in part', 'in part', 'whole', 'in part']) {
      assert.equal((await yard.run([sweep], false, 0))[0]?.state, state);
    }
    assert.deepEqual(taken, ['0', '1', '2', '0']);
  });

  test('gives each sweep a part of its time, and those after one that fails theirs', async () => {
    const taken: string[] = [];
    const failing = {
      ...counting(1, []),
      name: 'failing',
      page: () => Promise.reject(new Error('no answer')),
    };
    const reports = await yard.run([failing, { ...counting(2, taken), name: 'after' }]);
    assert.deepEqual(
      reports.map(({ state }) => state),
      ['failed', 'whole'],
    );
    assert.equal(yard.log.lines.at(-1)?.['sweep'], 'failing');
  });

  test('goes on behind what fails, tells of it, and does not take that round for a clean one', async () => {
    const taken: string[] = [];
    const sweep = counting(3, taken);
    const poisoned: Sweep = {
      ...sweep,
      page: async (position, now) => {
        const { items, next } = await sweep.page(position, now);
        const take = () => Promise.reject(new Error('held by somebody'));
        return { items: position === '1' ? [...items, { subject: 'poison', take }] : items, next };
      },
    };
    const [report] = await yard.run([poisoned]);
    assert.deepEqual([report?.state, report?.counts], ['whole', { kept: 3, failed: 1 }]);
    assert.equal(yard.log.lines.at(-1)?.['subject'], 'poison');
    const { document } = await openRounds(yard.cloud.firestore).read('counted');
    assert.equal(document?.isClean, false);
  });

  test('leaves a sweep to another janitor that goes through it at the same time, without a word', async () => {
    const told = yard.log.lines.length;
    const [taken, others]: [string[], string[]] = [[], []];
    const sweep = counting(3, taken);
    let hasOther = false;
    const shared: Sweep = {
      ...sweep,
      page: async (position, now) => {
        if (!hasOther) {
          hasOther = true;
          assert.equal((await yard.run([counting(3, others)], false, 0))[0]?.state, 'in part');
        }
        return sweep.page(position, now);
      },
    };
    assert.equal((await yard.run([shared]))[0]?.state, 'left');
    assert.deepEqual(taken, ['0']);
    const { document } = await openRounds(yard.cloud.firestore).read('counted');
    assert.equal(document?.position, '1');
    assert.equal(yard.log.lines.length, told);
  });

  test('begins a round anew whose notes are none that it knows', async () => {
    const notes = yard.cloud.firestore.collection('janitor').doc('images');
    await notes.set({ position: 'of another version', leftAside: 'some' });
    await yard.publish([await yard.storeBlob('old')]);
    yard.later(31 * DAY_MS);
    assert.deepEqual(await yard.collect(['images']), { images: { deleted: 1 } });
    assert.equal((await notes.get()).get('isClean'), false);
    await notes.set({ position: 7 });
    assert.equal((await yard.run([{ ...counting(1, []), name: 'images' }]))[0]?.state, 'whole');
  });

  test('keeps everything for ever where that is what is set', async () => {
    await yard.publish([await yard.storeBlob('for ever')]);
    const ever = 1e300;
    const retention = { keepMs: ever, graceMs: ever, tombstoneMs: ever };
    const told = yard.log.lines.length;
    assert.deepEqual(await yard.collect(undefined, { retention }), {});
    assert.equal(yard.log.lines.length, told, 'nothing fails');
  });

  test('leaves a sweep alone that ended just now, unless somebody waits for it', async () => {
    const taken: string[] = [];
    const sweep = { ...counting(1, taken), restMs: HOUR_MS };
    const rounds = openRounds(yard.cloud.firestore);
    const { log } = yard.log;
    const run = () => collect({ sweeps: [sweep], rounds, log }, { dryRun: false, limitMs: 0 });
    assert.equal((await run())[0]?.state, 'whole');
    assert.equal((await run())[0]?.state, 'resting');
    assert.equal((await yard.run([sweep]))[0]?.state, 'whole');
    yard.later(HOUR_MS);
    assert.equal((await run())[0]?.state, 'whole');
  });

  test('lets a sweep begin that needs another only when that one left nothing aside', async () => {
    const needy = { ...counting(1, []), name: 'needy', needs: 'counted' };
    const stateOf = async (sweep: Sweep) => (await yard.run([sweep, needy], false, 0))[1]?.state;
    assert.equal(await stateOf(counting(2, [])), 'waiting', 'half of it');
    assert.equal(await stateOf(counting(2, [])), 'whole');
    for (const outcome of ['unknown', 'busy'] as const) {
      assert.equal(await stateOf(counting(1, [], outcome)), 'waiting', outcome);
    }
    await yard.run([counting(2, [], 'unknown')], false, 0);
    assert.equal(await stateOf(counting(2, [])), 'waiting', 'something in its first half');
    assert.equal(await stateOf(counting(1, [])), 'whole');
  });
});
