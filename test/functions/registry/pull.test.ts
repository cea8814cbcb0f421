import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '#core/digest.ts';
import { openBlobs } from '#core/google/blobs.ts';
import type { Failure } from '#core/failure.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { claimant, type Asked, type Cloud } from '#test/cloud.ts';
import { published } from '#test/published.ts';
import { readyImage } from './ready-image.ts';
import { BASE_URL, onBothServers, type Received } from './served.ts';
import { specError } from './spec-errors.ts';

async function failed(cloud: Cloud, failure: Failure): Promise<Asked> {
  const asked = await cloud.newQueued();
  await cloud.images.claim(asked.key, claimant('worker'));
  await cloud.images.fail(asked.key, 'worker', failure, 'r1');
  return asked;
}

onBothServers('a pull', 60_000, served => {
  test('asks first whether this is a registry', async () => {
    for (const target of ['/v2/', '/v2']) {
      for (const method of ['GET', 'HEAD']) {
        const { status, headers, body } = await served().send(target, { method });
        assert.equal(status, 200);
        assert.equal(headers['content-type'], 'application/json');
        assert.equal(headers['docker-distribution-api-version'], 'registry/2.0');
        assert.equal(headers['content-length'], '2');
        assert.equal(body.toString(), method === 'GET' ? '{}' : '');
      }
    }
  });

  test('by tag and by digest gets the exact bytes; HEAD gets the same headers and no body', async () => {
    const text = '{"schemaVersion":2, "spaces":  "kept", "ü":1}';
    const { name, image } = await readyImage(served().cloud, text);
    const { digest } = image.manifest;
    for (const [reference, cacheControl] of [
      ['latest', 'no-cache, no-transform'],
      [digest, 'public, max-age=31536000, immutable, no-transform'],
    ] as const) {
      const got = await served().send(`/v2/${name}/manifests/${reference}`);
      assert.equal(got.status, 200);
      assert.equal(got.body.toString(), text);
      const { headers } = got;
      assert.equal(headers['content-type'], MEDIA_TYPES.manifest);
      assert.equal(headers['docker-content-digest'], digest);
      assert.equal(headers['etag'], `"${digest}"`);
      assert.equal(headers['content-length'], String(Buffer.byteLength(text)));
      assert.equal(headers['cache-control'], cacheControl);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      const head = await served().send(`/v2/${name}/manifests/${reference}`, { method: 'HEAD' });
      assert.equal(head.status, 200);
      assert.equal(head.body.length, 0);
      assert.deepEqual(withoutDate(head.headers), withoutDate(headers));
    }
  });

  test('by a digest that nobody published is 404, and asks for no build', async () => {
    const { name, key } = served().cloud.newImage();
    const answer = await served().send(`/v2/${name}/manifests/${digestOf('unknown')}`);
    assert.equal(specError(answer, 404).code, 'MANIFEST_UNKNOWN');
    assert.equal((await served().cloud.images.read(key)).document, undefined);
  });

  test('of an image that is not there queues it, wakes the workers, waits, and gets it', async () => {
    const { cloud } = served();
    const { name, key, request } = cloud.newImage();
    const answer = served().send(`/v2/${name}/manifests/latest`);
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);
    const { document } = await cloud.images.read(key);
    assert.deepEqual(document?.request, request);
    assert.ok(document.build.state === 'queued');
    assert.equal(document.build.by, 'pull');

    const claim = await cloud.images.claim(key, claimant('worker'));
    assert.equal(claim.kind, 'claimed');
    await cloud.images.renew(key, 'worker', { name: 'building', done: 1, of: 2 });
    await cloud.images.publish(key, 'worker', published('just built'));
    const { status, body } = await answer;
    assert.equal(status, 200);
    assert.equal(body.toString(), 'just built');
    assert.deepEqual(await cloud.takeHints('refresh'), []);
  });

  test('that waits is told of a failure as soon as it is known', async () => {
    const { cloud } = served();
    const { name, key } = cloud.newImage();
    const answer = served().send(`/v2/${name}/manifests/latest`);
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);
    await cloud.images.claim(key, claimant('worker'));
    const failure = { kind: 'unknown_package', message: '"gti" is not in the package set' } as const;
    await cloud.images.fail(key, 'worker', failure, 'r1');
    assert.deepEqual(specError(await answer, 404), {
      code: 'MANIFEST_UNKNOWN',
      message: failure.message,
      detail: failure.message,
    });
  });

  test('of what failed is told so at once, for HEAD by the status alone', async () => {
    const { cloud } = served();
    const failures: readonly [failure: Failure, status: number][] = [
      [{ kind: 'unknown_package', message: '"gti" is not in the package set (did you mean git?)' }, 404],
      [{ kind: 'refused', message: '"unrar" is refused' }, 403],
      [{ kind: 'build_failed', message: 'hello failed.', log: 'line 1\nline "2" \\ ü' }, 403],
    ];
    for (const [failure, status] of failures) {
      const { name } = await failed(cloud, failure);
      const { code, message } = specError(await served().send(`/v2/${name}/manifests/latest`), status);
      assert.equal(code, 'MANIFEST_UNKNOWN');
      assert.ok(message.startsWith(failure.message));
      assert.ok(message.endsWith(failure.log ?? ''));
      const head = await served().send(`/v2/${name}/manifests/latest`, { method: 'HEAD' });
      assert.equal(head.status, status);
      assert.equal(head.body.length, 0);
    }
    assert.deepEqual(await cloud.takeHints('pull'), []);
  });

  test('N8: fetches blobs from Cloud Storage: GET is sent there, HEAD is answered here', async () => {
    const digest = digestOf('layer');
    const size = 3 * 2 ** 31;
    await openBlobs(served().cloud.firestore).record(digest, { size, crc32c: 'AAAAAA==', generation: '1' });
    const get = await served().send(`/v2/a/b/blobs/${digest}`, { headers: { range: 'bytes=0-9' } });
    assert.equal(get.status, 307);
    assert.equal(get.headers['location'], `${BASE_URL}/sha256/${digest.slice('sha256:'.length)}`);
    assert.equal(get.headers['content-length'], '0');
    const head = await served().send(`/v2/a/b/blobs/${digest}`, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.headers['content-length'], String(size));
    assert.equal(head.headers['docker-content-digest'], digest);
    assert.equal(head.headers['accept-ranges'], 'bytes');
    assert.equal(head.headers['content-type'], 'application/octet-stream');
    assert.equal(head.body.length, 0);
  });

  test('T9, N3: of a blob that is not there is 404', async () => {
    const target = `/v2/a/blobs/${digestOf('no layer')}`;
    assert.equal(specError(await served().send(target), 404).code, 'BLOB_UNKNOWN');
    const head = await served().send(target, { method: 'HEAD' });
    assert.deepEqual([head.status, head.body.length], [404, 0]);
  });

  test('is explained to people who look with a browser', async () => {
    const page = await served().send('/', { headers: { host: 'registry.example.org' } });
    assert.equal(page.status, 200);
    assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
    assert.match(String(page.headers['content-security-policy']), /^default-src 'none'/);
    assert.match(page.body.toString(), /docker pull registry\.example\.org\/shell\/git\/curl/);
    const forged = await served().send('/', { headers: { host: '"><script>' } });
    assert.doesNotMatch(forged.body.toString(), /<script/);
    const head = await served().send('/', { method: 'HEAD', headers: { host: 'registry.example.org' } });
    assert.deepEqual([head.headers['content-length'], head.body.length], [String(page.body.length), 0]);
  });
});

function withoutDate(headers: Received['headers']): Received['headers'] {
  return { ...headers, date: '' };
}
