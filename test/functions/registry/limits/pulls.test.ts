// What counts as a pull, request by request.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cloud } from '#test/cloud.ts';
import { readyImage } from '../ready-image.ts';
import { specError } from '../spec-errors.ts';
import { Instances, newAddress } from './instances.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

describe('a limit of pulls', { timeout: 60_000 }, () => {
  test('counts a pull at its first request, and not at its hops', async context => {
    const instances = await Instances.start(cloud, context, 1, { pullsPerMinute: 1 });
    const address = newAddress();
    const { name } = await cloud.newQueued();
    let answer = await instances.pull(address, name);
    for (let hop = 1; hop <= 9; hop++) {
      assert.equal(answer.status, 307);
      answer = await instances.pull(address, answer.headers.location ?? '');
    }
    assert.match(specError(answer, 429).message, /^the image is being built/);
    const next = await instances.pull(address, name);
    assert.match(specError(next, 429).message, /^the limit of pulls a minute is 1 for each address/);
    assert.ok(Number(next.headers['retry-after']) <= 60);
    // Others pull on, and whoever is refused makes it no later.
    assert.equal((await instances.pull(newAddress(), name)).status, 307);
  });

  test('is not got around by a hop of another image, one that was used, or one that was forged', async context => {
    const instances = await Instances.start(cloud, context, 1, { pullsPerMinute: 1 });
    const address = newAddress();
    const [one, other] = [await cloud.newQueued(), await readyImage(cloud, 'another')];
    const { location = '' } = (await instances.pull(address, one.name)).headers;
    const forged = [
      location.replace(one.name, other.name),
      location.replace('wait=1.', 'wait=2.'),
      location.replace(/.$/, last => (last === 'A' ? 'Q' : 'A')),
      location.replace(/\.[^.]{12}\./, '.AAAAAAAAAAAA.'),
    ];
    for (const target of forged) assert.equal((await instances.pull(address, target)).status, 429, target);
    assert.equal((await instances.pull(address, location)).status, 307);
    assert.equal((await instances.pull(address, location)).status, 429);
  });

  test('lets a pull go on whose client has another address at the next hop', async context => {
    const instances = await Instances.start(cloud, context, 2, { pullsPerMinute: 1 });
    const [one, other] = [newAddress(), newAddress()];
    const { name } = await cloud.newQueued();
    assert.equal((await instances.pull(other, name, 1)).status, 307);
    const { location = '' } = (await instances.pull(one, name)).headers;
    assert.equal((await instances.pull(other, location, 1)).status, 307);
  });

  test('counts neither digests nor blobs, nor what is no pull', async context => {
    const instances = await Instances.start(cloud, context, 1, { pullsPerMinute: 1 });
    const address = newAddress();
    const { name, image } = await readyImage(cloud, 'by digest');
    const { digest } = image.manifest;
    assert.equal((await instances.pull(address, '/v2/UPPER/manifests/latest')).status, 400);
    for (let count = 0; count < 3; count++) {
      assert.equal((await instances.pull(address, `/v2/${name}/manifests/${digest}`)).status, 200);
      assert.equal((await instances.pull(address, `/v2/${name}/blobs/${digest}?manifests/`)).status, 404);
    }
    assert.equal((await instances.pull(address, name)).status, 200);
    assert.equal((await instances.pull(address, name)).status, 429);
    assert.equal((await instances.pull(address, `/v2/${name}/manifests/${digest}`)).status, 200);
  });
});
