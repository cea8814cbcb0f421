// A deployment for two platforms: real clients pull one name, and each gets the image of its own platform.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execa } from 'execa';
import { startDockerEngine, type DockerEngine } from './docker-engine.ts';
import { startLocalSystem, type LocalSystem } from './local-system.ts';
import { pullIndex, pullManifest, type PulledIndex } from './oci-client.ts';
import { openPodman, type Podman } from './podman.ts';

const IMAGE = 'jq';

const PLATFORMS = ['amd64', 'arm64'] as const;

const skip = process.getuid?.() !== 0 && process.env['CI'] !== 'true' && 'dockerd needs root';

describe('an index', { timeout: 300_000, skip }, () => {
  let system: LocalSystem;
  let engine: DockerEngine;
  let podman: Podman;
  let folder: string;
  let index: PulledIndex;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'derivery-index-'));
    const env = { DERIVERY_PLATFORMS: 'linux/amd64 linux/arm64', DERIVERY_HOLD_SECONDS: '2' };
    [system, engine, podman] = await Promise.all([
      startLocalSystem({ source: 'debian', built: PLATFORMS.map(platform => `${platform}/${IMAGE}`), env }),
      startDockerEngine(),
      openPodman(),
    ]);
    index = await pullIndex(system.registry, IMAGE);
  });

  after(async () => {
    await engine[Symbol.asyncDispose]();
    await podman[Symbol.asyncDispose]();
    await system.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const digestOf = (architecture: string): string | undefined =>
    index.manifests.find(({ platform }) => platform.architecture === architecture)?.digest;

  test('names an image for each platform, which are those that are pulled by their names', async () => {
    assert.deepEqual(
      index.manifests.map(({ platform }) => platform),
      PLATFORMS.map(architecture => ({ architecture, os: 'linux' })),
    );
    for (const architecture of PLATFORMS) {
      const alone = await pullManifest(system.registry, `${architecture}/${IMAGE}`);
      assert.equal(alone.digest, digestOf(architecture));
      // An index has no layers.
      const { 'org.derivery.layer-snapshot': _, ...annotations } = alone.annotations;
      assert.deepEqual(annotations, index.annotations);
    }
  });

  for (const architecture of PLATFORMS) {
    const name = `${architecture}: `;

    test(`${name}docker pulls it by tag and by digest`, async () => {
      const platform = `--platform=linux/${architecture}`;
      const image = `${system.registry}/${IMAGE}`;
      const pulled = await engine.docker('pull', platform, image);
      assert.equal(pulled.exitCode, 0, pulled.all);
      assert.match(pulled.all, new RegExp(`Digest: ${index.digest}`));
      const format = '--format={{.Os}}/{{.Architecture}}';
      assert.equal((await engine.docker('image', 'inspect', format, image)).all, `linux/${architecture}`);

      const pinned = `${image}@${digestOf(architecture)}`;
      const byDigest = await engine.docker('pull', platform, pinned);
      assert.equal(byDigest.exitCode, 0, byDigest.all);
      assert.equal((await engine.docker('image', 'inspect', format, pinned)).all, `linux/${architecture}`);
    });

    test(`${name}skopeo copies it by tag and by digest`, async () => {
      const image = `docker://${system.registry}/${IMAGE}`;
      const copies = { tag: image, digest: `${image}@${digestOf(architecture)}` };
      for (const [by, source] of Object.entries(copies)) {
        const copy = join(folder, `${architecture}-${by}`);
        const override = [`--override-arch=${architecture}`, '--src-tls-verify=false'];
        await execa('skopeo', ['copy', ...override, source, `dir:${copy}`]);
        const manifest = JSON.parse(await readFile(join(copy, 'manifest.json'), 'utf8')) as {
          config: { digest: string };
        };
        const config = await readFile(join(copy, manifest.config.digest.replace('sha256:', '')), 'utf8');
        assert.equal((JSON.parse(config) as { architecture: string }).architecture, architecture);
      }
    });

    test(`${name}podman pulls it`, async () => {
      const image = `${system.registry}/${IMAGE}`;
      const pulled = await podman.podman('pull', '--tls-verify=false', `--arch=${architecture}`, image);
      assert.equal(pulled.exitCode, 0, pulled.all);
      const inspected = await podman.podman('image', 'inspect', '--format={{.Architecture}}', image);
      assert.equal(inspected.all, architecture);
    });
  }

  test('of the machine’s own platform runs', async () => {
    const image = `${system.registry}/${IMAGE}`;
    await engine.docker('pull', image);
    const { all } = await engine.docker('run', '--rm', '--network=none', image, 'jq', '-n', '-c', '[1]');
    assert.equal(all, '[1]');
  });

  test('tells how far its images are, and of a name that there is not in one sentence', async () => {
    const phases: string[] = [];
    await assert.rejects(
      pullIndex(system.registry, 'shell/gti', { onPhase: phase => phases.push(phase) }),
      /404: .*linux\/a...4: \\"gti\\" is not in the package set/,
    );
    const pulled = await engine.docker('pull', `${system.registry}/shell/gti`);
    assert.match(pulled.all, /linux\/a...4: "gti" is not in the package set.*\bgit\b/);
  });
});
