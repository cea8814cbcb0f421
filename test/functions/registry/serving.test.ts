// What every answer has, whoever asks: the same for HEAD, for other addresses of the same thing, for those who have it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { digestOf } from '#core/digest.ts';
import { openBlobs } from '#core/google/blobs.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { Cloud } from '#test/cloud.ts';
import { readyImage } from './ready-image.ts';
import { onBothServers, Served, type Received } from './served.ts';

const TEXT = `{"schemaVersion":2,"annotations":{"ü":"${'compressible '.repeat(500)}"}}`;
const BLOB = { size: 3 * 2 ** 31, crc32c: 'AAAAAA==', generation: '1' };

onBothServers('an answer', 60_000, served => {
  let name: string;
  let manifest: string;
  const layer = digestOf('layer');

  before(async () => {
    const made = await readyImage(served().cloud, TEXT);
    ({ name } = made);
    manifest = made.image.manifest.digest;
    await openBlobs(served().cloud.firestore).record(layer, BLOB);
  });

  /** Addresses of each kind there is, and one that is wrong of each. */
  const addresses = (): string[] => [
    '/v2/',
    `/v2/${name}/manifests/latest`,
    `/v2/${name}/manifests/${manifest}`,
    `/v2/${name}/manifests/.wrong`,
    `/v2/${name}/manifests/${digestOf('unknown')}`,
    `/v2/${name}/manifests/sha256:wrong`,
    `/v2/${name}/blobs/${digestOf('unknown')}`,
    `/v2/WRONG/manifests/latest`,
    '/v2/nowhere',
  ];

  test('says which API it is of, its exact length, and to HEAD the same without the body', async () => {
    for (const address of addresses()) {
      const got = await served().send(address);
      assert.equal(got.headers['docker-distribution-api-version'], 'registry/2.0', address);
      assert.equal(got.headers['content-length'], String(got.body.length), address);
      assert.equal(got.headers['transfer-encoding'], undefined);
      const head = await served().send(address, { method: 'HEAD' });
      assert.deepEqual(
        [head.status, withoutDate(head.headers), head.body.length],
        [got.status, withoutDate(got.headers), 0],
        address,
      );
    }
  });

  test('is the same whatever the query is, and at an address that is written out', async () => {
    for (const address of addresses()) {
      const { status, headers } = await served().send(address);
      for (const same of [`${address}?ns=docker.io&x=/blobs/y`, `http://elsewhere.example.org${address}`]) {
        const got = await served().send(same);
        assert.deepEqual([got.status, withoutDate(got.headers)], [status, withoutDate(headers)], same);
      }
    }
  });

  test('is never compressed, whatever the client can read', async () => {
    const headers = { 'accept-encoding': 'zstd, gzip, deflate, br, *' };
    for (const reference of ['latest', manifest]) {
      const got = await served().send(`/v2/${name}/manifests/${reference}`, { headers });
      assert.equal(got.headers['content-encoding'], undefined);
      assert.equal(got.body.toString(), TEXT);
      assert.match(String(got.headers['cache-control']), /\bno-transform\b/);
    }
  });

  test('to a digest is the manifest there is, whatever types the client names', async () => {
    for (const accept of ['application/json', 'text/html', MEDIA_TYPES.index, 'nonsense', '']) {
      const got = await served().send(`/v2/${name}/manifests/${manifest}`, { headers: { accept } });
      assert.deepEqual([got.status, got.headers['content-type']], [200, MEDIA_TYPES.manifest], accept);
    }
  });

  test('is 304 for who has the manifest, with neither body nor length', async () => {
    for (const reference of ['latest', manifest]) {
      for (const method of ['GET', 'HEAD']) {
        const headers = { 'if-none-match': `W/"other", W/"${manifest}"` };
        const got = await served().send(`/v2/${name}/manifests/${reference}`, { method, headers });
        assert.equal(got.status, 304);
        assert.equal(got.headers['etag'], `"${manifest}"`);
        assert.equal(got.headers['docker-content-digest'], manifest);
        assert.equal(got.headers['content-length'], undefined);
        assert.equal(got.headers['content-type'], undefined);
        assert.equal(got.body.length, 0);
      }
    }
    const other = { 'if-none-match': `"${digestOf('older')}"` };
    const newer = await served().send(`/v2/${name}/manifests/latest`, { headers: other });
    assert.deepEqual([newer.status, newer.body.toString()], [200, TEXT]);
  });

  test('to a condition is no less an error or a redirect', async () => {
    const headers = { 'if-none-match': '*' };
    const missing = await served().send(`/v2/${name}/manifests/${digestOf('unknown')}`, { headers });
    assert.equal(missing.status, 404);
    assert.equal((await served().send(`/v2/${name}/blobs/${layer}`, { headers })).status, 307);
  });
});

describe('behind a front end that strips lengths', () => {
  let cloud: Cloud;
  let served: Served;
  before(async () => {
    cloud = await Cloud.start();
    served = await Served.start('node:http', cloud, 60_000, { headDigest: 'withheld' });
  });
  after(async () => {
    await served[Symbol.asyncDispose]();
    await cloud[Symbol.asyncDispose]();
  });

  test('HEAD says that it is there and not the digest, GET both', async () => {
    const { name, image } = await readyImage(cloud, 'text');
    const { digest } = image.manifest;
    for (const reference of ['latest', digest]) {
      const head = await served.send(`/v2/${name}/manifests/${reference}`, { method: 'HEAD' });
      assert.deepEqual([head.status, head.headers['docker-content-digest']], [200, undefined]);
      const get = await served.send(`/v2/${name}/manifests/${reference}`);
      assert.equal(get.headers['docker-content-digest'], digest);
    }
  });
});

function withoutDate(headers: Received['headers']): Received['headers'] {
  return { ...headers, date: '' };
}
