// What an instance loads before it has anything to build: every package more is time that the first pull waits.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Cloud, PROJECT } from '#test/cloud.ts';
import { readyImage } from './ready-image.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** Those that a miss, a signed address or a login needs. */
const LATER = ['@google-cloud/pubsub', '@google-cloud/storage', '@node-rs/bcrypt', 'jose'];

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

test('T29: before the first miss no SDK is loaded but Firestore’s', { timeout: 60_000 }, async context => {
  const child = fork(join(ROOT, 'test/bench/node-server.ts'), {
    execArgv: ['--import', join(import.meta.dirname, 'programs/loaded-packages.ts')],
    env: {
      ...process.env,
      FUNCTION_SOURCE: join(ROOT, 'functions/registry/index.ts'),
      FUNCTION_TARGET: 'registry',
      GOOGLE_CLOUD_PROJECT: PROJECT,
      DERIVERY_SOURCE: 'debian',
      DERIVERY_BLOB_URL: 'http://storage.example.org/blobs',
      DERIVERY_HOP_SECRET: '0'.repeat(32),
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  context.after(() => child.kill('SIGKILL'));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const ask = async (path: string): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' });
    await answer.arrayBuffer();
    return answer.status;
  };
  const loaded = async (): Promise<string[]> => {
    child.send('packages');
    const [packages] = (await once(child, 'message')) as [string[]];
    return packages;
  };

  const { name, image } = await readyImage(cloud, 'ready');
  assert.equal(await ask('/v2/'), 200);
  assert.equal(await ask(`/v2/${name}/manifests/latest`), 200);
  assert.equal(await ask(`/v2/${name}/manifests/${image.manifest.digest}`), 200);
  const warm = await loaded();
  assert.ok(warm.includes('@google-cloud/firestore'), 'what is loaded is seen');
  assert.deepEqual(
    warm.filter(one => LATER.includes(one)),
    [],
  );

  // The first miss sends a hint.
  const { name: missing, key } = cloud.newImage();
  const waits = ask(`/v2/${missing}/manifests/latest`).catch(() => undefined);
  assert.equal(await cloud.hintsAt(key, 'pull'), 1);
  assert.ok((await loaded()).includes('@google-cloud/pubsub'));
  child.kill('SIGKILL');
  await waits;
});
