// What Nixery's clients stumble over, and those of this registry must not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimant } from '#test/cloud.ts';
import { published } from '#test/published.ts';
import { onBothServers } from './served.ts';

onBothServers('a pull', 60_000, served => {
  test('N7: that begins with HEAD, as docker’s does, has one build made, for the GET that follows too', async () => {
    const { cloud } = served();
    const { name, key } = cloud.newImage();
    const target = `/v2/${name}/manifests/latest`;
    const head = served().send(target, { method: 'HEAD' });
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);
    const get = served().send(target);
    await cloud.images.claim(key, claimant('worker'));
    await cloud.images.publish(key, 'worker', published('made once'));
    assert.deepEqual([(await head).status, (await get).status], [200, 200]);
    assert.equal((await get).body.toString(), 'made once');
    assert.equal((await head).headers['docker-content-digest'], (await get).headers['docker-content-digest']);
    assert.deepEqual(await cloud.takeHints('pull'), []);
  });

  test('with a query, as containerd’s mirrors have one, gets the same image', async () => {
    const { cloud } = served();
    const { name, key } = cloud.newImage();
    const first = served().send(`/v2/${name}/manifests/latest`);
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);
    await cloud.images.claim(key, claimant('worker'));
    await cloud.images.publish(key, 'worker', published('with a query or without'));
    const plain = await first;
    const { status, body, headers } = await served().send(`/v2/${name}/manifests/latest?ns=localhost:8080`);
    assert.equal(status, 200);
    assert.deepEqual(body, plain.body);
    assert.equal(headers['docker-content-digest'], plain.headers['docker-content-digest']);
  });
});
