// T20: what a client says the registry is called, and what an answer makes of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '#core/digest.ts';
import { openBlobs } from '#core/google/blobs.ts';
import { readyImage } from './ready-image.ts';
import { BASE_URL, onBothServers } from './served.ts';

const FORGED = {
  host: 'evil.example.org',
  'x-forwarded-host': 'evil.example.org',
  forwarded: 'host=evil.example.org',
  'x-forwarded-proto': 'https',
};

onBothServers('T20: a forged Host', 30, served => {
  test('leads nobody elsewhere: no answer of an image names it', async () => {
    const { cloud } = served();
    const { name } = await readyImage(cloud, 'asked for under another name');
    const waiting = await cloud.newQueued();
    const layer = digestOf('a layer under another name');
    await openBlobs(cloud.firestore).record(layer, { size: 9, crc32c: 'AAAAAA==', generation: '1' });
    const targets: readonly [target: string, status: number, location: RegExp | undefined][] = [
      ['/v2/', 200, undefined],
      [`/v2/${name}/manifests/latest`, 200, undefined],
      [`/v2/${name}/tags/list?n=0`, 200, undefined],
      [`/v2/${waiting.name}/manifests/latest`, 307, /^\/v2\//],
      [`/v2/${name}/blobs/${layer}`, 307, new RegExp(`^${BASE_URL}/`)],
      [`//evil.example.org/v2/${name}/manifests/latest`, 404, undefined],
    ];
    for (const [target, status, location] of targets) {
      const answer = await served().send(target, { headers: FORGED });
      assert.equal(answer.status, status, target);
      if (location !== undefined) assert.match(answer.headers.location ?? '', location);
      const told = `${JSON.stringify(answer.headers)}${target.startsWith('//') ? '' : String(answer.body)}`;
      assert.ok(!told.includes('evil'), `${target}: ${told}`);
    }
  });
});
