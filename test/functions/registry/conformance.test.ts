// What the OCI distribution specification's own conformance suites ask of a registry that is only pulled from: the categories
// Pull and Content Discovery of version 1.1.1, and what its head asks beyond.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { digestOf, type Digest } from '#core/digest.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { parseSourceRules, withDefaultSource } from '#core/source-rules.ts';
import { BUCKET, Cloud } from '#test/cloud.ts';
import { offerOf } from '#test/core/deployment.ts';
import { publicAddresses } from '#functions/registry/blob-addresses.ts';
import { readyImage } from './ready-image.ts';
import { Served } from './served.ts';
import { storeBlob } from './stored-blob.ts';

/** Section "Error Codes". */
const CODES = [
  'BLOB_UNKNOWN', 'BLOB_UPLOAD_INVALID', 'BLOB_UPLOAD_UNKNOWN', 'DIGEST_INVALID', 'MANIFEST_BLOB_UNKNOWN', 'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN', 'NAME_INVALID', 'NAME_UNKNOWN', 'SIZE_INVALID', 'UNAUTHORIZED', 'DENIED', 'UNSUPPORTED', 'TOOMANYREQUESTS',
] as const; // prettier-ignore

const errorsSchema = z.object({ errors: z.array(z.object({ code: z.enum(CODES) })).min(1) });
const indexSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.literal(MEDIA_TYPES.index),
  manifests: z.array(z.object({ digest: z.string() })),
});
const tagsSchema = z.object({ name: z.string(), tags: z.array(z.string()) });

const LAYER = randomBytes(100_000);
const CONFIG = Buffer.from('{"architecture":"amd64","os":"linux"}');
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: MEDIA_TYPES.manifest,
  config: { mediaType: MEDIA_TYPES.config, digest: digestOf(CONFIG), size: CONFIG.length },
  layers: [{ mediaType: MEDIA_TYPES.gzipLayer, digest: digestOf(LAYER), size: LAYER.length }],
});

/** As of either suite: nothing has these. */
const UNKNOWN = digestOf('hello world');
const MISSING_TAG = `missing-${randomBytes(10).toString('hex')}`;

describe('the distribution specification', () => {
  let cloud: Cloud;
  let served: Served;
  let name: string;
  let digest: Digest;

  before(async () => {
    cloud = await Cloud.start();
    served = await Served.start('functions-framework', cloud, 60_000, {
      blobAddress: publicAddresses(`${cloud.storageUrl}/${BUCKET}/blobs`),
      offer: {
        ...offerOf(),
        sources: withDefaultSource(parseSourceRules('a=debian b=debian c=debian'), 'debian'),
      },
    });
    for (const bytes of [LAYER, CONFIG]) await storeBlob(cloud, bytes);
    const made = await readyImage(cloud, MANIFEST);
    ({ name } = made);
    ({ digest } = made.image.manifest);
  });
  after(async () => {
    await served[Symbol.asyncDispose]();
    await cloud[Symbol.asyncDispose]();
  });

  /** A request as the suites make it: redirects are followed. */
  const ask = (path: string, options: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${served.port}/v2/${path}`, options);
  const bytesOf = async (answer: Response): Promise<Buffer> => Buffer.from(await answer.arrayBuffer());
  const askForManifest = (reference: string, method = 'GET'): Promise<Response> =>
    ask(`${name}/manifests/${reference}`, { method, headers: { accept: MEDIA_TYPES.manifest } });

  test('/v2/ is 200', async () => {
    assert.equal((await ask('')).status, 200);
  });

  describe('pulling blobs', () => {
    test('GET of one that does not exist is 404', async () => {
      assert.equal((await ask(`${name}/blobs/${UNKNOWN}`)).status, 404);
    });

    test('HEAD of one that does not exist is 404', async () => {
      assert.equal((await ask(`${name}/blobs/${UNKNOWN}`, { method: 'HEAD' })).status, 404);
    });

    test('HEAD of one that exists is 200, with its digest and its length', async () => {
      const head = await ask(`${name}/blobs/${digestOf(LAYER)}`, { method: 'HEAD' });
      assert.equal(head.status, 200);
      assert.equal(head.headers.get('docker-content-digest'), digestOf(LAYER));
      assert.equal(head.headers.get('content-length'), String(LAYER.length));
    });

    test('GET of one that exists is 200 and has its bytes', async () => {
      for (const bytes of [LAYER, CONFIG]) {
        const got = await ask(`${name}/blobs/${digestOf(bytes)}`);
        assert.equal(got.status, 200);
        assert.deepEqual(await bytesOf(got), bytes);
      }
    });

    test('GET of a part is 206 and has these bytes', async () => {
      const got = await ask(`${name}/blobs/${digestOf(LAYER)}`, { headers: { range: 'bytes=10-19' } });
      assert.equal(got.status, 206);
      assert.equal(got.headers.get('content-range'), `bytes 10-19/${LAYER.length}`);
      assert.deepEqual(await bytesOf(got), LAYER.subarray(10, 20));
    });

    test('GET of what is no digest is 400 or 404', async () => {
      assert.ok([400, 404].includes((await ask(`${name}/blobs/sha256:baddigeststring`)).status));
    });
  });

  describe('pulling manifests', () => {
    test('HEAD and GET of a tag that does not exist are 404, at once', async () => {
      for (const tag of ['.INVALID_MANIFEST_NAME', MISSING_TAG]) {
        for (const method of ['HEAD', 'GET']) assert.equal((await askForManifest(tag, method)).status, 404);
      }
      assert.deepEqual(await cloud.takeHints('pull'), []);
    });

    test('HEAD and GET of a digest that does not exist are 404', async () => {
      for (const method of ['HEAD', 'GET']) assert.equal((await askForManifest(UNKNOWN, method)).status, 404);
    });

    test('GET of what is no digest is 400 or 404', async () => {
      for (const wrong of ['sha256:totallywrong', 'sha256:baddigeststring']) {
        assert.ok([400, 404].includes((await askForManifest(wrong)).status));
      }
    });

    for (const by of ['tag', 'digest']) {
      const reference = (): string => (by === 'tag' ? 'latest' : digest);

      test(`HEAD by ${by} is 200, with digest, type and length`, async () => {
        const head = await askForManifest(reference(), 'HEAD');
        assert.equal(head.status, 200);
        assert.equal(head.headers.get('docker-content-digest'), digest);
        assert.equal(head.headers.get('content-type'), MEDIA_TYPES.manifest);
        assert.equal(head.headers.get('content-length'), String(MANIFEST.length));
      });

      test(`GET by ${by} is 200, and its bytes are those of the digest`, async () => {
        const got = await askForManifest(reference());
        assert.equal(got.status, 200);
        assert.equal(got.headers.get('docker-content-digest'), digest);
        const bytes = await bytesOf(got);
        assert.equal(digestOf(bytes), digest);
        assert.equal((JSON.parse(bytes.toString()) as { mediaType: string }).mediaType, MEDIA_TYPES.manifest);
      });
    }
  });

  test('N9: an error is JSON that has one of the specification’s codes', async () => {
    const wrong = [
      `${name}/manifests/${MISSING_TAG}`,
      `${name}/manifests/sha256:totallywrong`,
      `${name}/manifests/${UNKNOWN}`,
      `${name}/blobs/${UNKNOWN}`,
      `${name}/blobs/sha256:baddigeststring`,
      `${name}/referrers/sha256:baddigeststring`,
      `NOT-A-NAME/manifests/latest`,
      '_catalog',
    ];
    for (const path of wrong) {
      const answer = await ask(path);
      assert.equal(answer.headers.get('content-type'), 'application/json');
      assert.ok(errorsSchema.safeParse(await answer.json()).success, path);
    }
  });

  test('what would change something is refused', async () => {
    const digestedBlob = `${name}/blobs/${digestOf(LAYER)}`;
    for (const [method, path] of [
      ['POST', `${name}/blobs/uploads/`],
      ['PUT', `${name}/manifests/latest`],
      ['DELETE', `${name}/manifests/latest`],
      ['DELETE', digestedBlob],
    ] as const) {
      assert.ok([400, 404, 405].includes((await ask(path, { method })).status), `${method} ${path}`);
    }
    assert.equal((await ask(digestedBlob)).status, 200);
  });

  describe('listing tags', () => {
    const list = async (query = ''): Promise<z.infer<typeof tagsSchema>> => {
      const answer = await ask(`${name}/tags/list${query}`);
      assert.equal(answer.status, 200);
      return tagsSchema.parse(await answer.json());
    };

    test('is 200, sorted, and names the repository', async () => {
      assert.deepEqual(await list(), { name, tags: ['a', 'b', 'c', 'latest'] });
    });

    test('is limited by n', async () => {
      assert.deepEqual((await list('?n=2')).tags, ['a', 'b']);
      assert.deepEqual((await list('?n=0')).tags, []);
    });

    test('goes on behind last', async () => {
      assert.deepEqual((await list('?n=2&last=b')).tags, ['c', 'latest']);
      assert.deepEqual((await list('?last=c')).tags, ['latest']);
    });

    test('says where the next page is, and at the last page nothing', async () => {
      const first = await ask(`${name}/tags/list?n=3`);
      const [, next] = /^<([^>]+)>; rel="?next"?$/.exec(first.headers.get('link') ?? '') ?? [];
      assert.ok(next);
      const second = await fetch(new URL(next, first.url));
      assert.deepEqual(tagsSchema.parse(await second.json()).tags, ['latest']);
      assert.equal(second.headers.get('link'), null);
    });
  });

  describe('listing referrers', () => {
    const list = async (path: string): Promise<Response> => {
      const answer = await ask(`${name}/referrers/${path}`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), MEDIA_TYPES.index);
      return answer;
    };

    test('is an empty index for a digest that nothing has, and for one that nothing refers to', async () => {
      for (const subject of [UNKNOWN, digest]) {
        assert.deepEqual(indexSchema.parse(await (await list(subject)).json()).manifests, []);
      }
    });

    test('says that it was filtered where a type was asked for', async () => {
      const answer = await list(`${digest}?artifactType=application%2Fvnd.nhl.peanut.butter.bagel`);
      assert.equal(answer.headers.get('oci-filters-applied'), 'artifactType');
    });

    test('of what is no digest is 400', async () => {
      assert.equal((await ask(`${name}/referrers/sha256:baddigeststring`)).status, 400);
    });
  });
});
