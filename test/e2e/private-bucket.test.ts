// Real clients at a local system whose bucket answers nobody without a signed address, and whose tags are a git source's too.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execa } from 'execa';
import { z } from 'zod';
import { startLocalSystem, type LocalSystem } from './local-system.ts';
import { checkBlobs, pullManifest } from './oci-client.ts';

const IMAGE = 'jq';

describe('a private bucket and a git source', { timeout: 300_000 }, () => {
  let system: LocalSystem;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'derivery-private-'));
    const repository = await newRepository(join(folder, 'set'));
    system = await startLocalSystem({
      source: 'debian',
      env: { DERIVERY_BUCKET_ACCESS: 'private', DERIVERY_SOURCES: `git-*=git:${repository}` },
    });
  });
  after(async () => {
    await system.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const skopeo = async (...args: string[]): Promise<string> => (await execa('skopeo', args)).stdout;

  test('blobs are read through addresses that are signed, and not otherwise', async () => {
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

  test('skopeo copies an image', async () => {
    const remote = `docker://${system.registry}/${IMAGE}`;
    await skopeo('copy', '--src-tls-verify=false', remote, `dir:${join(folder, 'copy')}`);
  });

  test('skopeo lists the tags, once a worker has seen the branches and tags of the repository', async () => {
    const list = async (): Promise<string[]> => {
      const listed = await skopeo('list-tags', '--tls-verify=false', `docker://${system.registry}/a/b`);
      return z.object({ Tags: z.array(z.string()) }).parse(JSON.parse(listed)).Tags;
    };
    // The first who asks is told what is known without a look, and has the worker look.
    assert.deepEqual(await list(), ['latest']);
    let tags: string[] = [];
    while (tags.length < 2) tags = await list();
    assert.deepEqual(tags, ['git-feature__2fx', 'git-main', 'git-v1.0', 'latest']);
  });

  test('the smoke test finds nothing wrong', async () => {
    const program = resolve(import.meta.dirname, '../../infra/smoke/smoke.ts');
    const { stdout } = await execa(process.execPath, [program, system.registry, '--image', IMAGE, '--json']);
    const report = z.object({ findings: z.array(z.object({ name: z.string(), says: z.string() })) });
    const { findings } = report.parse(JSON.parse(stdout));
    const signed = findings.find(({ name }) => name === 'signed addresses');
    assert.equal(signed?.says, 'work for 60 min, and nobody reads without');
  });

  test('skopeo inspects an image, its tags with it', async () => {
    const remote = `docker://${system.registry}/${IMAGE}`;
    const inspected = await skopeo('inspect', '--tls-verify=false', remote);
    const { digest } = await pullManifest(system.registry, IMAGE);
    assert.deepEqual(
      z.object({ Digest: z.string(), RepoTags: z.array(z.string()) }).parse(JSON.parse(inspected)),
      { Digest: digest, RepoTags: ['git-feature__2fx', 'git-main', 'git-v1.0', 'latest'] },
    );
  });
});

/** A git repository with two branches and a tag; answers where it is. */
async function newRepository(folder: string): Promise<string> {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
  await execa('git', ['init', '--quiet', '--initial-branch=main', folder]);
  await execa('git', ['-C', folder, ...identity, 'commit', '--quiet', '--allow-empty', '--message=first']);
  await execa('git', ['-C', folder, 'branch', 'feature/x']);
  await execa('git', ['-C', folder, 'tag', 'v1.0']);
  return folder;
}
