// Indexes over the real stand-ins: what their images, made by workers of this process, come to in any order.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { digestOf, type Digest } from '#core/digest.ts';
import { PermanentError } from '#core/errors.ts';
import type { Failure } from '#core/failure.ts';
import type { Build, ImageDocument, Priority } from '#core/image-document.ts';
import type { ImageRequest, RequestKey } from '#core/image-request.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { openHints } from '#core/google/hints.ts';
import { openManifests } from '#core/google/manifests.ts';
import { buildImage, type BuildParts, type MakeImage } from '#worker/build-image.ts';
import type { HandledAs } from '#worker/intake.ts';
import { createIndexMaker } from '#worker/make-index.ts';
import { collectLog, type CollectedLog } from '#test/collected-log.ts';
import { Cloud, PROJECT } from '#test/cloud.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import { newIndex, type AskedIndex } from '#test/index-of-two.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

/** What a worker of these tests makes of a request. */
const textOf = ({ packages, platforms }: ImageRequest, revision: string): string =>
  `${packages.join()} of ${platforms.join()} at ${revision}`;

const madeOf: MakeImage = async (request, { revision }) => {
  const bytes = Buffer.from(textOf(request, revision));
  return { digest: digestOf(bytes), mediaType: MEDIA_TYPES.manifest, bytes, blobs: [] };
};

/** Fails for good, for one platform. */
function failing(platform: string, failure: Failure): MakeImage {
  return (request, ...rest) =>
    request.platforms.some(one => one === platform)
      ? Promise.reject(new PermanentError(failure))
      : madeOf(request, ...rest);
}

interface Circumstances extends Partial<Omit<BuildParts, 'log'>> {
  readonly indexes?: 'whole' | 'partial';
  /** Where the source stands. */
  readonly at?: string;
  readonly collected?: CollectedLog;
}

function worker({ indexes = 'whole', at = 'r1', collected = collectLog(), ...parts }: Circumstances = {}): (
  key: RequestKey,
) => Promise<HandledAs> {
  const { log } = collected;
  const all = { images: cloud.images, hints: cloud.hints, ...parts };
  const build: BuildParts = {
    makeImage: madeOf,
    mend: () => assert.fail('nothing is to be mended'),
    makeIndex: createIndexMaker({ ...all, manifests: openManifests(cloud.firestore), indexes, log }),
    revisions: {
      forImage: async (_request, now) => ({ revision: at, gitRef: undefined, checkedAt: now }),
      refresh: () => assert.fail('no source is to be looked at'),
    },
    settings: SETTINGS,
    leaseSeconds: 600,
    limitSeconds: 600,
    isNewDecline: () => assert.fail('nothing is to be declined'),
    makeRoom: async () => {},
    stopping: new AbortController().signal,
    log,
    ...all,
  };
  return key => buildImage(build, key);
}

async function queue(asked: Pick<AskedIndex, 'key' | 'request'>, by: Priority = 'pull'): Promise<void> {
  const seen = await cloud.images.read(asked.key);
  assert.ok(await cloud.images.queue(asked.key, asked.request, { by, settings: SETTINGS }, seen));
}

/** An index that is asked for, and has asked for its images. */
async function newWaiting(by: Priority = 'pull', circumstances?: Circumstances): Promise<AskedIndex> {
  const index = newIndex(cloud);
  await queue(index, by);
  assert.equal(await worker(circumstances)(index.key), 'done');
  assert.equal((await cloud.buildOf(index.key)).state, 'waiting');
  assert.deepEqual(new Set(await cloud.takeHints(by)), new Set(index.images.map(({ key }) => key)));
  return index;
}

async function documentOf(key: RequestKey): Promise<ImageDocument> {
  const { document } = await cloud.images.read(key);
  assert.ok(document);
  return document;
}

async function failureOf(key: RequestKey): Promise<Failure & { readonly revision: string | undefined }> {
  const build: Build = await cloud.buildOf(key);
  assert.ok(build.state === 'failed', build.state);
  return { ...build.failure, revision: build.revision };
}

interface Index {
  readonly mediaType: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly manifests: readonly {
    readonly mediaType: string;
    readonly digest: Digest;
    readonly size: number;
    readonly platform: object;
  }[];
}

/** The index that is served, all of whose manifests are there, and were made at its revision. */
async function servedIndex({ key, images }: AskedIndex, platforms = 2): Promise<Index> {
  const { current, build } = await documentOf(key);
  assert.deepEqual(build, { state: 'none' });
  assert.ok(current);
  const stored = await openManifests(cloud.firestore).read(current.digest);
  assert.ok(stored);
  assert.equal(stored.mediaType, MEDIA_TYPES.index);
  const index = JSON.parse(Buffer.from(stored.bytes).toString()) as Index;
  assert.deepEqual(
    stored.children,
    index.manifests.map(({ digest }) => digest),
  );
  assert.equal(index.manifests.length, platforms);
  assert.equal(index.annotations['org.opencontainers.image.revision'], current.revision);
  const texts = images.map(({ request }) => textOf(request, current.revision));
  for (const { digest, size } of index.manifests) {
    const text = Buffer.from((await openManifests(cloud.firestore).read(digest))?.bytes ?? '').toString();
    assert.ok(texts.includes(text), text);
    assert.equal(size, text.length);
  }
  return index;
}

describe('an index', () => {
  test('asks for its images, and waits for them without a try or a lease', async () => {
    const index = await newWaiting('refresh');
    const { build } = await documentOf(index.key);
    assert.ok(build.state === 'waiting');
    // That it had to ask is a try: it must not go round for ever.
    assert.equal(build.attempts, 1);
    for (const { key, request } of index.images) {
      const image = await documentOf(key);
      assert.deepEqual(image.request, request);
      assert.deepEqual(image.indexes, [index.key]);
      assert.ok(image.build.state === 'queued');
      assert.equal(image.build.by, 'refresh');
    }
    // A hint that comes again has it looked at, and that is all.
    assert.equal(await worker()(index.key), 'done');
    assert.deepEqual(await cloud.takeHints('refresh'), []);
    const again = await cloud.buildOf(index.key);
    assert.deepEqual([again.state, 'attempts' in again && again.attempts], ['waiting', 1]);
  });

  for (const [order, at] of [
    ['first, then the second', [0, 1]],
    ['second, then the first', [1, 0]],
  ] as const) {
    test(`is written by whoever makes the last of its images: the ${order}`, async () => {
      const index = await newWaiting();
      const [one, other] = [index.images[at[0]], index.images[at[1]]];
      await worker()(one.key);
      assert.equal((await cloud.buildOf(index.key)).state, 'waiting');
      await worker()(other.key);
      const { manifests, mediaType } = await servedIndex(index);
      assert.equal(mediaType, MEDIA_TYPES.index);
      assert.deepEqual(
        manifests.map(({ platform }) => platform),
        [
          { architecture: 'amd64', os: 'linux' },
          { architecture: 'arm64', os: 'linux' },
        ],
      );
      for (const { key } of index.images) assert.equal((await documentOf(key)).indexes, undefined);
    });
  }

  test('has the same bytes whoever was first', async () => {
    const digests: (Digest | undefined)[] = [];
    for (const turned of [false, true]) {
      const { request, key, images } = newIndex(cloud);
      const named = { ...request, packages: ['same'] };
      const collect: BuildParts['makeImage'] = (image, ...rest) =>
        madeOf({ ...image, packages: named.packages }, ...rest);
      await queue({ key, request });
      const make = worker({ makeImage: collect });
      await make(key);
      for (const image of turned ? images.toReversed() : images) await make(image.key);
      digests.push((await documentOf(key)).current?.digest);
    }
    assert.ok(digests[0]);
    assert.equal(digests[0], digests[1]);
    await Promise.all([cloud.takeHints('pull'), cloud.takeHints('refresh')]);
  });

  for (const when of ['before', 'after'] as const) {
    test(`T9: has an image made again whose manifest is gone ${when} it looks at it`, async () => {
      const index = await newWaiting();
      const [one, other] = index.images;
      await worker()(one.key);
      const { current } = await documentOf(one.key);
      assert.ok(current);
      const gone = cloud.firestore.collection('manifests').doc(current.digest);
      if (when === 'before') await gone.delete();
      const publish: typeof cloud.images.publish = async (key, ...rest) => {
        if (key === index.key) await gone.delete();
        return cloud.images.publish(key, ...rest);
      };
      const images = when === 'before' ? cloud.images : { ...cloud.images, publish };
      await worker({ images })(other.key);
      assert.equal((await documentOf(one.key)).current, undefined);
      for (const key of [index.key, one.key, index.key]) await worker()(key);
      await servedIndex(index);
      await Promise.all([cloud.takeHints('pull'), cloud.takeHints('refresh')]);
    });
  }

  test('whose images are made at the same time by two workers is written once, every time', async () => {
    for (let round = 0; round < 10; round++) {
      const index = await newWaiting();
      const collected = collectLog();
      // Both are at the point of publishing before either does.
      const together = Promise.withResolvers<void>();
      let arrived = 0;
      const makeImage: MakeImage = async (...made) => {
        arrived += 1;
        if (arrived === 2) together.resolve();
        await together.promise;
        return madeOf(...made);
      };
      await Promise.all(index.images.map(({ key }) => worker({ makeImage, collected })(key)));
      await servedIndex(index);
      const isIndex = ({ message, image }: Readonly<Record<string, unknown>>): boolean =>
        message === 'build published' && image === index.key;
      assert.equal(collected.lines.filter(isIndex).length, 1);
    }
  });

  test('whose images are there already is made at once', async () => {
    const index = newIndex(cloud);
    for (const image of index.images) {
      await queue(image);
      await worker()(image.key);
    }
    await queue(index);
    assert.equal(await worker()(index.key), 'done');
    await servedIndex(index);
    assert.deepEqual(await cloud.takeHints('pull'), []);
  });

  test('joins the build of an image that somebody asked for, and raises it', async () => {
    const index = newIndex(cloud);
    const [one, other] = index.images;
    await queue(one, 'refresh');
    await queue(index);
    await worker()(index.key);
    assert.deepEqual(new Set(await cloud.takeHints('pull')), new Set([one.key, other.key]));
    const joined = await cloud.buildOf(one.key);
    assert.ok(joined.state === 'queued');
    assert.deepEqual([joined.by, joined.attempts], ['pull', 0]);
    await worker()(other.key);
    await worker()(one.key);
    await servedIndex(index);
  });

  test('that nobody waited for, and somebody does now, has its images raised', async () => {
    const index = await newWaiting('refresh');
    assert.ok(await cloud.images.raise(index.key, await cloud.images.read(index.key)));
    await worker()(index.key);
    assert.deepEqual(new Set(await cloud.takeHints('pull')), new Set(index.images.map(({ key }) => key)));
    for (const { key } of index.images) {
      const build = await cloud.buildOf(key);
      assert.equal('by' in build && build.by, 'pull');
    }
  });

  test('waits for the image that it lacks, although one that it has is being refreshed by nobody who waits', async () => {
    const index = await newWaiting('refresh');
    const [ready, lacking] = index.images;
    await worker()(ready.key);
    // The same index asked for it at a newer revision, and the source has moved back since.
    await cloud.images.askForIndex(ready.key, {
      request: ready.request,
      settings: SETTINGS,
      by: 'refresh',
      revision: 'r2',
      index: index.key,
    });
    assert.ok(await cloud.images.raise(index.key, await cloud.images.read(index.key)));
    assert.equal(await worker()(index.key), 'done');
    assert.equal((await cloud.buildOf(index.key)).state, 'waiting');
    await worker()(lacking.key);
    await servedIndex(index);
    await Promise.all([cloud.takeHints('pull'), cloud.takeHints('refresh')]);
  });

  test('that is up to date is kept', async () => {
    const index = await newWaiting();
    for (const { key } of index.images) await worker()(key);
    const ready = await documentOf(index.key);
    assert.deepEqual(ready.build, { state: 'none' });
    await queue(index, 'refresh');
    await worker()(index.key);
    assert.deepEqual(await documentOf(index.key), ready);
  });

  test('whose source has moved is served until its images are made anew', async () => {
    const index = await newWaiting();
    for (const { key } of index.images) await worker()(key);
    const { current } = await documentOf(index.key);
    await queue(index, 'refresh');
    await worker({ at: 'r2' })(index.key);
    assert.deepEqual((await documentOf(index.key)).current, current);
    assert.equal((await cloud.takeHints('refresh')).length, 2);
    for (const { key } of index.images) await worker({ at: 'r2' })(key);
    const { annotations } = await servedIndex(index);
    assert.equal(annotations['org.opencontainers.image.revision'], 'r2');
  });

  test('is left alone by a worker of other settings', async () => {
    const index = await newWaiting();
    const settings = 'f'.repeat(64) as typeof SETTINGS;
    assert.equal(await worker({ settings, isNewDecline: () => true })(index.key), 'declined');
    assert.equal((await cloud.buildOf(index.key)).state, 'waiting');
  });
});

describe('an index whose source moves', () => {
  test('between its images has the older one made again', async () => {
    const index = await newWaiting();
    const [one, other] = index.images;
    await worker({ at: 'r1' })(one.key);
    await worker({ at: 'r2' })(other.key);
    assert.deepEqual(await cloud.takeHints('pull'), [one.key]);
    await worker({ at: 'r2' })(one.key);
    await servedIndex(index);
    assert.equal((await documentOf(index.key)).current?.revision, 'r2');
  });

  test('without end, or is another one to each worker, is given up', async () => {
    const index = await newWaiting();
    const [one, other] = index.images;
    await worker({ at: 'r2' })(one.key);
    let next: RequestKey | undefined = other.key;
    for (let move = 3; next !== undefined; move++) {
      assert.ok(move < 20, 'it goes round and round');
      // Whoever makes the one sees the source where the other was not made.
      await worker({ at: `r${move}` })(next);
      [next] = (await cloud.takeHints('pull')) as RequestKey[];
    }
    const { kind, message } = await failureOf(index.key);
    assert.equal(kind, 'gave_up');
    assert.match(message, /^gave up after 5 attempts: there was no image for linux\/a...4 at r\d/);
  });
});

describe('an image that cannot be', () => {
  const log = 'the end of a log';
  const reasons: readonly Failure[] = [
    { kind: 'build_failed', message: 'exit code 1', log },
    { kind: 'refused', message: '"x" is unfree' },
    { kind: 'unknown_package', message: '"gti" is not in the package set' },
  ];
  for (const failure of reasons) {
    test(`is why there is no index (${failure.kind}), at once and with its platform`, async () => {
      const index = await newWaiting();
      const [, arm] = index.images;
      await worker({ makeImage: failing('linux/arm64', failure) })(arm.key);
      const { revision, ...told } = await failureOf(index.key);
      // The log is told of where it lies already: the index brings none of its own.
      const { logId } = await failureOf(arm.key);
      assert.equal(logId !== undefined, 'log' in failure);
      assert.deepEqual(told, {
        ...failure,
        message: `linux/arm64: ${failure.message}`,
        ...(logId !== undefined && { logId }),
      });
      assert.equal(revision, 'r1');
      // The other one is made all the same, and its end changes nothing.
      await worker()(index.images[0].key);
      assert.equal((await cloud.buildOf(index.key)).state, 'failed');
    });
  }

  test('is the answer to an index that is asked for a moment later', async () => {
    const index = newIndex(cloud);
    const [amd] = index.images;
    await queue(amd);
    await worker({ makeImage: failing('linux/amd64', { kind: 'build_failed', message: 'no' }) })(amd.key);
    await queue(index);
    await worker()(index.key);
    assert.equal((await failureOf(index.key)).message, 'linux/amd64: no');
    await cloud.takeHints('pull');
  });

  test('because its tries are spent ends the wait, too', async () => {
    const index = await newWaiting();
    const [amd] = index.images;
    const unlucky = worker({ makeImage: () => Promise.reject(new Error('disk full')) });
    for (let tries = 0; tries < 5; tries++) assert.equal(await unlucky(amd.key), 'again');
    assert.equal(await unlucky(amd.key), 'done');
    const { kind, message } = await failureOf(index.key);
    assert.equal(kind, 'gave_up');
    assert.match(message, /^linux\/amd64: gave up after 5 attempts/);
  });

  test('leaves an older index to be served where a builder failed, and not where it is refused', async () => {
    for (const [kind, isServed] of [
      ['build_failed', true],
      ['refused', false],
    ] as const) {
      const index = await newWaiting();
      for (const { key } of index.images) await worker()(key);
      await queue(index, 'refresh');
      const at = 'r2';
      await worker({ at })(index.key);
      await cloud.takeHints('refresh');
      const makeImage = failing('linux/amd64', { kind, message: 'no' });
      await worker({ at, makeImage })(index.images[0].key);
      assert.equal((await documentOf(index.key)).current !== undefined, isServed);
    }
  });

  describe('where indexes may be partial', () => {
    const partial = { indexes: 'partial', makeImage: failing('linux/arm64', reasons[0] as Failure) } as const;

    for (const turned of [false, true]) {
      test(`is left out, ${turned ? 'failing first' : 'failing last'}`, async () => {
        const index = await newWaiting('pull', partial);
        const keys = index.images.map(({ key }) => key);
        for (const key of turned ? keys.toReversed() : keys) await worker(partial)(key);
        const { manifests } = await servedIndex(index, 1);
        assert.deepEqual(manifests[0]?.platform, { architecture: 'amd64', os: 'linux' });
      });
    }

    test('is the reason if there is no other', async () => {
      const makeImage: MakeImage = ({ platforms }) =>
        Promise.reject(new PermanentError({ kind: 'refused', message: `no ${platforms[0]}` }));
      const index = await newWaiting('pull', partial);
      for (const { key } of index.images) await worker({ ...partial, makeImage })(key);
      const { message } = await failureOf(index.key);
      assert.equal(message, 'linux/amd64: no linux/amd64; linux/arm64: no linux/arm64');
    });

    test('is told once where all have the same reason', async () => {
      const makeImage: MakeImage = () =>
        Promise.reject(new PermanentError({ kind: 'unknown_package', message: 'no "gti"' }));
      const index = await newWaiting('pull', partial);
      for (const { key } of index.images) await worker({ ...partial, makeImage })(key);
      assert.equal((await failureOf(index.key)).message, 'linux/amd64, linux/arm64: no "gti"');
    });
  });
});

describe('a worker that is gone before it looks at the index of its image', () => {
  /** Its images are made; the one who made the last died before it could look, or before its claim was written. */
  async function newOrphan(): Promise<AskedIndex> {
    const index = await newWaiting();
    const { images } = cloud;
    const dying = {
      ...images,
      claim: (...parameters: Parameters<typeof images.claim>) =>
        parameters[0] === index.key ? Promise.reject(new Error('gone')) : images.claim(...parameters),
    };
    for (const { key } of index.images) assert.equal(await worker({ images: dying })(key), 'done');
    assert.equal((await cloud.buildOf(index.key)).state, 'waiting');
    return index;
  }

  test('is missed by nobody after the next hint', async () => {
    const index = await newOrphan();
    assert.equal(await worker()(index.key), 'done');
    await servedIndex(index);
  });

  test('because it is to stop sends the hint, for another one', async () => {
    const index = await newWaiting();
    const stopping = new AbortController();
    const makeImage: MakeImage = (...made) => {
      stopping.abort();
      return madeOf(...made);
    };
    await worker()(index.images[0].key);
    assert.equal(await worker({ makeImage, stopping: stopping.signal })(index.images[1].key), 'done');
    assert.equal((await cloud.buildOf(index.key)).state, 'waiting');
    assert.deepEqual(await cloud.takeHints('pull'), [index.key]);
    await worker()(index.key);
    await servedIndex(index);
  });
});

test('an index whose images cannot be told to workers waits all the same: others tell them', async () => {
  const index = newIndex(cloud);
  await queue(index);
  const hints = openHints(PROJECT, { pull: 'no-such-topic', refresh: 'no-such-topic' });
  assert.equal(await worker({ hints })(index.key), 'done');
  assert.equal((await cloud.buildOf(index.key)).state, 'waiting');
});

test('an image that ends between the look at it and the wait for it is not waited for', async () => {
  const index = newIndex(cloud);
  await queue(index);
  const { images } = cloud;
  let parked = 0;
  const racing = {
    ...images,
    park: async (...parameters: Parameters<typeof images.park>) => {
      parked += 1;
      // Their wake comes while the index is still held, and finds nothing to do.
      if (parked === 1) for (const { key } of index.images) await worker()(key);
      return images.park(...parameters);
    },
  };
  assert.equal(await worker({ images: racing })(index.key), 'done');
  await servedIndex(index);
  assert.equal(parked, 1);
});
