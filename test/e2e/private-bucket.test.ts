// Real clients pull from a local system whose bucket answers nobody without a signed address.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execa } from 'execa';
import { z } from 'zod';
import { startLocalSystem, type LocalSystem } from './local-system.ts';
import { checkBlobs, pullManifest } from './oci-client.ts';

const IMAGE = 'jq';

describe('a private bucket', { timeout: 300_000 }, () => {
  let system: LocalSystem;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'derivery-private-'));
    system = await startLocalSystem({ source: 'debian', env: { DERIVERY_BUCKET_ACCESS: 'private' } });
  });
  after(async () => {
    await system.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('is read through addresses that are signed, and not otherwise', async () => {
    const manifest = await pullManifest(system.registry, IMAGE);
    assert.equal(await checkBlobs(system.registry, IMAGE, manifest), 1 + manifest.layers.length);
    const blob = `http://${system.registry}/v2/${IMAGE}/blobs/${manifest.config.digest}`;
    const redirect = await fetch(blob, { redirect: 'manual' });
    const signed = new URL(redirect.headers.get('location') ?? '');
    assert.equal(redirect.status, 307);
    assert.equal((await fetch(`${signed.origin}${signed.pathname}`)).status, 403);
    const again = await fetch(blob, { redirect: 'manual' });
    assert.equal(again.headers.get('location'), signed.href, 'it is kept');
  });

  test('is enough for skopeo, which looks at an image and its tags before it copies it', async () => {
    const remote = `docker://${system.registry}/${IMAGE}`;
    const { stdout } = await execa('skopeo', ['inspect', '--tls-verify=false', remote]);
    const inspected = z
      .object({ Digest: z.string(), RepoTags: z.array(z.string()) })
      .parse(JSON.parse(stdout));
    const { digest } = await pullManifest(system.registry, IMAGE);
    assert.deepEqual(inspected, { Digest: digest, RepoTags: ['latest'] });
    await execa('skopeo', ['copy', '--src-tls-verify=false', remote, `dir:${join(folder, 'copy')}`]);
  });
});
