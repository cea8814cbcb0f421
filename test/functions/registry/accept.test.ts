import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { Cloud, claimant } from '#test/cloud.ts';
import { offerOf, OTHER_SETTINGS } from '#test/core/deployment.ts';
import { published } from '#test/published.ts';
import { createWantedImages } from '#functions/registry/wanted-images.ts';
import { collectLog } from '#test/collected-log.ts';
import { POLICY, Served, waitingOn } from './served.ts';
import { specError } from './spec-errors.ts';

const HOLD = 60_000;

/** For who waits in vain: what is ready is answered whatever the hold. Milliseconds. */
const SHORT_HOLD = 100;

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

/** A registry of one platform, or of two, whose images nobody builds. */
async function served(context: TestContext, platforms: 1 | 2): Promise<Served> {
  const offer = offerOf();
  const both = ['linux/amd64', 'linux/arm64'] as const;
  const one = await Served.start('node:http', cloud, HOLD, {
    offer: { ...offer, platforms: platforms === 1 ? offer.platforms : both },
  });
  context.after(() => one[Symbol.asyncDispose]());
  return one;
}

/** Asks by tag, as a client that accepts this. */
function ask(registry: Served, name: string, accept: string | undefined) {
  const headers = accept === undefined ? {} : { accept };
  return registry.send(`/v2/${name}/manifests/latest`, { headers });
}

async function newImage(): Promise<{ readonly name: string; readonly digest: string }> {
  const { name, key } = await cloud.newQueued();
  await cloud.images.claim(key, claimant('worker'));
  const made = published(`{"of":"${name}"}`);
  await cloud.images.publish(key, 'worker', made);
  return { name, digest: made.manifest.digest };
}

describe('a client that accepts', () => {
  const fine: readonly [what: string, accept: string | undefined][] = [
    ['nothing that it says', undefined],
    ['everything', '*/*'],
    ['everything of a kind', 'text/plain;q=0.5, Application/*'],
    ['manifests', OCI_MANIFEST],
    // As docker's daemon sends it, in some order.
    ['what docker does', `application/json, ${DOCKER_LIST}, ${OCI_INDEX}, ${DOCKER_MANIFEST}, ${OCI_MANIFEST}`],
    ['manifests, in capitals and with a weight', `${DOCKER_MANIFEST}, ${OCI_MANIFEST.toUpperCase()} ; q=0.1`],
    ['indexes, and says nothing of manifests', OCI_INDEX],
    ['manifests, and nothing else', `*/*;q=0, ${OCI_MANIFEST};q=0.001`],
  ]; // prettier-ignore
  for (const [what, accept] of fine) {
    test(`${what} gets an image`, async context => {
      const registry = await served(context, 1);
      const { name } = await newImage();
      assert.equal((await ask(registry, name, accept)).status, 200);
    });
  }

  test('only Docker’s own types is told so at once, before anything is built', async context => {
    for (const platforms of [1, 2] as const) {
      const registry = await served(context, platforms);
      const { name, key } = cloud.newImage();
      const answer = await ask(registry, name, `${DOCKER_MANIFEST},${DOCKER_LIST};q=0.9`);
      const { code, message } = specError(answer, 404);
      assert.equal(code, 'MANIFEST_UNKNOWN');
      assert.equal(
        message,
        'this registry serves OCI manifests and indexes only; ' +
          `the client accepts only Docker's own types: ${DOCKER_MANIFEST}, ${DOCKER_LIST}`,
      );
      assert.equal((await cloud.images.read(key)).document, undefined);
    }
  });

  test('something else altogether is told so, however much of it', async context => {
    const registry = await served(context, 1);
    const { name } = await newImage();
    const answer = await ask(registry, name, Array.from({ length: 300 }, (_, i) => `a/${i}`).join());
    const { message } = specError(answer, 404);
    assert.match(message, /the client accepts only: a\/0, a\/1, .*a\/7, …$/);
  });

  test('manifests and no indexes is told which names are manifests', async context => {
    const registry = await served(context, 2);
    const { name } = cloud.newImage();
    const { code, message } = specError(await ask(registry, name, `${OCI_MANIFEST}, ${DOCKER_LIST}`), 404);
    assert.equal(code, 'MANIFEST_UNKNOWN');
    assert.equal(
      message,
      `${name} is an OCI index, of linux/amd64 and linux/arm64, and the client accepts manifests only: ` +
        `pull amd64/${name} or arm64/${name}`,
    );
    const ofOne = await newImage();
    assert.equal((await ask(registry, `amd64/${ofOne.name}`, OCI_MANIFEST)).status, 200);
  });

  const refused = 'this registry serves OCI manifests and indexes only; the client accepts';
  const unwanted: readonly [accept: string, platforms: 1 | 2, message: RegExp][] = [
    ['*/*;q=0', 1, new RegExp(`${refused} nothing$`)],
    [`${OCI_MANIFEST};q=0`, 1, new RegExp(`${refused} nothing$`)],
    [`${OCI_MANIFEST}; Q=0.000, text/html`, 1, new RegExp(`${refused} only: text/html$`)],
    [`${OCI_MANIFEST};q=0, ${OCI_INDEX}`, 1, /an OCI manifest, of linux\/amd64, and .* indexes only$/],
    [`${OCI_INDEX};q=0, */*`, 2, /an OCI index, of .* and the client accepts manifests only/],
    [`application/*;q=0, */*`, 2, new RegExp(`${refused} only: \\*/\\*$`)],
  ];
  for (const [accept, platforms, wanted] of unwanted) {
    test(`${accept} is not given what it refuses, of ${platforms}`, async context => {
      const registry = await served(context, platforms);
      const { name } = cloud.newImage();
      const { code, message } = specError(await ask(registry, name, accept), 404);
      assert.equal(code, 'MANIFEST_UNKNOWN');
      assert.match(message, wanted);
    });
  }

  test('whatever it may be gets what it asks for by its digest', async context => {
    const registry = await served(context, 2);
    const { name, digest } = await newImage();
    for (const accept of [DOCKER_MANIFEST, 'text/html', '']) {
      const answer = await registry.send(`/v2/${name}/manifests/${digest}`, { headers: { accept } });
      assert.equal(answer.status, 200);
    }
  });
});

test('images of other settings are other images', async context => {
  const { name } = await newImage();
  const { log } = collectLog();
  const waiting = waitingOn(cloud, { log, policy: { ...POLICY, settings: OTHER_SETTINGS } });
  const wantImage = createWantedImages(offerOf(), OTHER_SETTINGS);
  const registry = await Served.start('node:http', cloud, SHORT_HOLD, { wantImage, waiting });
  context.after(() => registry[Symbol.asyncDispose]());
  assert.equal((await ask(registry, name, undefined)).status, 307);
});
