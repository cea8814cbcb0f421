// What real clients make of limits, and what the person at the terminal reads.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { execa } from 'execa';
import { claimant, Cloud } from '#test/cloud.ts';
import { admission, Served } from '#test/functions/registry/served.ts';
import { startContainerd } from './containerd.ts';
import { startDockerEngine, type DockerEngine } from './docker-engine.ts';
import { openPodman } from './podman.ts';

/** A Docker engine cannot be started by an ordinary user. Where everything has to be tested, that is a failure. */
const skip = process.getuid?.() !== 0 && process.env['CI'] !== 'true' && 'dockerd needs root';

const HOUR = 3_600_000;

/** Longer than any of them is made to wait. Milliseconds. */
const HOLD = 20_000;

suite('on the terminal', { timeout: 120_000, skip }, () => {
  /** Firestore's clock stands still where the test does not move it. */
  let now = Date.now();
  let cloud: Cloud;
  let engine: DockerEngine;
  before(async () => {
    [cloud, engine] = await Promise.all([Cloud.start({ wallClock: () => now }), startDockerEngine()]);
  });
  after(async () => {
    await engine[Symbol.asyncDispose]();
    await cloud[Symbol.asyncDispose]();
  });

  test('docker, containerd and skopeo say which limit was reached; podman waits until there is room', async () => {
    const admitted = admission({ newBuildsPerHour: 1 });
    const asked = { count: 0, again: Promise.withResolvers<void>() };
    await using registry = await Served.start('node:http', cloud, HOLD, {
      admit: (...parameters) => {
        asked.count += 1;
        if (asked.count === 2) asked.again.resolve();
        return admitted(...parameters);
      },
    });
    await using containerd = await startContainerd();
    await using podman = await openPodman();
    const host = `127.0.0.1:${registry.port}`;

    // All that there is was had an hour ago, less a second.
    const first = cloud.newImage();
    const gone = new AbortController();
    const left = assert.rejects(registry.send(`/v2/${first.name}/manifests/latest`, { signal: gone.signal }));
    await cloud.hintsAt(first.key, 'pull');
    gone.abort();
    await left;
    now += HOUR - 1_000;

    const { name } = cloud.newImage();
    const [docker, skopeo, ctr] = await Promise.all([
      engine.docker('pull', `${host}/${name}`),
      execa('skopeo', ['inspect', '--tls-verify=false', `docker://${host}/${name}`], {
        reject: false,
        all: true,
      }),
      containerd.ctr('images', 'pull', '--plain-http', `${host}/${name}:latest`),
    ]);
    const limit =
      'the limit of new builds an hour is 1 for each address, which 127.0.0.1 has reached: more in 1 s; what is built already can be pulled at any time';
    for (const { exitCode, all } of [docker, skopeo, ctr]) {
      assert.notEqual(exitCode, 0);
      assert.ok(all.includes(limit), all);
    }
    assert.ok(docker.all.includes(`toomanyrequests: ${limit}`), docker.all);

    // Refused once, podman asks again by itself, and gets what there is to say of the image.
    asked.count = 0;
    const { name: last, key } = cloud.newImage();
    const pulled = podman.podman('pull', '--tls-verify=false', `${host}/${last}`);
    await asked.again.promise;
    now += HOUR;
    await cloud.hintsAt(key, 'pull');
    await cloud.images.claim(key, claimant('worker'));
    await cloud.images.fail(key, 'worker', { kind: 'build_failed', message: 'it was let in' }, 'r1');
    assert.match((await pulled).all, /it was let in/);
  });

  test('all say that an image is not built for who has not logged in', async () => {
    const admit = admission({ newBuildsPerHour: 0 });
    await using registry = await Served.start('node:http', cloud, HOLD, { admit });
    await using podman = await openPodman();
    const image = `127.0.0.1:${registry.port}/${cloud.newImage().name}`;
    const ended = await Promise.all([
      engine.docker('pull', image),
      podman.podman('pull', '--tls-verify=false', image),
      execa('skopeo', ['inspect', '--tls-verify=false', `docker://${image}`], { reject: false, all: true }),
    ]);
    for (const { exitCode, all } of ended) {
      assert.notEqual(exitCode, 0);
      assert.match(all, /this image is not built yet, and whoever has not logged in may not have it built/);
    }
  });
});
