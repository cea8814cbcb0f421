import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { PackageSource } from '#core/package-source.ts';
import { sourceKey } from '#core/source-document.ts';
import { Cloud } from '#test/cloud.ts';

const HOUR = 3_600_000;

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

let channels = 0;
/** A channel that no other test asks for. */
function newSource() {
  const source: PackageSource = { kind: 'channel', name: `channel-${(channels += 1)}` };
  const asked = { source, ref: 'latest' };
  return { key: sourceKey(asked), asked };
}

describe('a source', () => {
  test('is asked for by exactly one of many', async () => {
    const { key, asked } = newSource();
    const seen = await cloud.sources.read(key);
    const answers = await Promise.all(Array.from({ length: 30 }, () => cloud.sources.ask(key, asked, seen)));
    assert.equal(answers.filter(Boolean).length, 1);
    assert.equal(await cloud.sources.ask(key, asked, await cloud.sources.read(key)), false, 'nor soon again');
    const { document } = await cloud.sources.read(key);
    assert.deepEqual(document, { ...asked, askedAt: document?.askedAt });
  });

  test('that was looked at is known to all, and may be asked for again', async () => {
    const { key, asked } = newSource();
    await cloud.sources.ask(key, asked, await cloud.sources.read(key));
    assert.equal(await cloud.sources.freshRevision(key, HOUR), undefined);
    const found = { revision: 'r1', gitRef: 'refs/heads/main' };
    const known = await cloud.sources.record(key, asked, found);
    assert.deepEqual(known, { ...found, checkedAt: known.checkedAt, earlier: [] });
    const seen = await cloud.sources.read(key);
    assert.deepEqual(seen.document, { ...asked, resolved: known });
    assert.ok(known.checkedAt <= seen.readTime, 'by the server’s clock');
    assert.deepEqual(await cloud.sources.freshRevision(key, HOUR), known);
    assert.equal(await cloud.sources.freshRevision(key, 0), undefined, 'no look is fresh for no time');
    assert.ok(await cloud.sources.ask(key, asked, seen));
    assert.deepEqual((await cloud.sources.read(key)).document?.resolved, known, 'asking forgets nothing');
  });

  test('that was looked at since is not set back by who stood still after an older look', async () => {
    const { key, asked } = newSource();
    const { readTime } = await cloud.sources.read(key);
    const later = await cloud.sources.record(key, asked, { revision: 'r2', gitRef: undefined });
    const told = await cloud.sources.record(key, asked, { revision: 'r1', gitRef: undefined }, readTime);
    const { resolved } = (await cloud.sources.read(key)).document ?? {};
    for (const known of [told, resolved]) {
      assert.deepEqual([known?.revision, known?.checkedAt], ['r2', later.checkedAt]);
    }
  });

  test('that moves is remembered where it was, whoever looks at the same time', async () => {
    const { key, asked } = newSource();
    const revisions = ['r1', 'r2', 'r3'];
    await Promise.all(
      revisions.map(revision => cloud.sources.record(key, asked, { revision, gitRef: undefined })),
    );
    const { resolved } = (await cloud.sources.read(key)).document ?? {};
    assert.ok(resolved);
    const all = [resolved.revision, ...resolved.earlier.map(({ revision }) => revision)];
    assert.deepEqual(all.toSorted(), revisions);
    const stored = (await cloud.firestore.collection('sources').doc(key).get()).get('resolved.earlier');
    assert.equal(typeof stored[0].leftAt.toMillis(), 'number', 'a timestamp for the console');
  });

  test('is read together with an image', async () => {
    const { request, key } = await cloud.newQueued('pull', { kind: 'channel', name: 'together' });
    const ofSource = sourceKey(request);
    const earlier = await cloud.readPullState(key, request);
    assert.equal(earlier.sourceKey, ofSource);
    assert.equal(earlier.source.document, undefined);
    assert.equal(earlier.image.document?.build.state, 'queued');
    await cloud.sources.record(ofSource, request, { revision: 'r1', gitRef: undefined });
    const later = await cloud.readPullState(key, request);
    assert.equal(later.source.document?.resolved?.revision, 'r1');
    assert.equal(later.image.readTime, later.source.readTime, 'as of one moment');
  });
});
