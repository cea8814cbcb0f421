// Real clients unpack layers of several zstd frames: from a folder, as it is their unpacking that matters here.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execa } from 'execa';
import { digestHex, digestOf, type Digest } from '#core/digest.ts';
import { MEDIA_TYPES, writeConfig, writeManifest } from '#core/oci.ts';
import { BLOCK_SIZE, BlockPool } from '#worker/pack/block-pool.ts';
import { packLayer } from '#worker/pack/pack-layer.ts';
import type { TarEntry } from '#worker/pack/tar-header.ts';
import { writeTar } from '#worker/pack/tar.ts';
import { ZSTD } from '#worker/pack/zstd.ts';
import { sample } from '#test/worker/pack/sample.ts';
import { startContainerd } from './containerd.ts';
import { openPodman } from './podman.ts';

/** Neither client unpacks as an ordinary user. Where everything has to be tested, that is a failure. */
const skip = process.getuid?.() !== 0 && process.env['CI'] !== 'true' && 'the clients need root';

const CONTENT = sample(3 * BLOCK_SIZE + 5);
const FILE: TarEntry = {
  kind: 'file',
  name: Buffer.from('content'),
  owner: { uid: 0, gid: 0 },
  mode: 0o444,
  size: CONTENT.length,
  content: () => [CONTENT],
};

async function digestOfFile(file: string): Promise<Digest> {
  return digestOf(await readFile(file));
}

describe('an image with a layer of zstd', { skip, timeout: 120_000 }, () => {
  let folder: string;
  let layout: string;
  /** The same as one file. */
  let archive: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'derivery-zstd-'));
    layout = join(folder, 'layout');
    await writeLayout();
    archive = join(folder, 'layout.tar');
    await execa('tar', ['-cf', archive, '-C', layout, '.']);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function writeLayout(): Promise<void> {
    const put = async (digest: Digest, bytes: Uint8Array): Promise<void> => {
      const file = join(layout, 'blobs/sha256', digestHex(digest));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    };
    const parts: Buffer[] = [];
    for await (const part of ZSTD.compress(writeTar([FILE]), { pool: new BlockPool() }))
      parts.push(Buffer.from(part));
    const blob = Buffer.concat(parts);
    const packing = { compressor: ZSTD, pool: new BlockPool(), spoolFolder: folder };
    await using packed = await packLayer(writeTar([FILE]), packing);
    const config = writeConfig({
      platform: 'linux/amd64',
      environment: {},
      command: undefined,
      user: undefined,
      workingFolder: '/',
      labels: {},
      layers: [{ diffId: packed.diffId, createdBy: 'the test' }],
    });
    const layer = { mediaType: ZSTD.mediaType, digest: packed.digest, size: packed.size };
    const manifest = writeManifest(config, [layer], {});
    await put(packed.digest, blob);
    await put(config.digest, config.bytes);
    await put(manifest.digest, manifest.bytes);
    const described = {
      mediaType: MEDIA_TYPES.manifest,
      digest: manifest.digest,
      size: manifest.bytes.length,
      annotations: { 'org.opencontainers.image.ref.name': 'latest' },
    };
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [described] };
    await writeFile(join(layout, 'index.json'), JSON.stringify(index));
    await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  }

  test('is unpacked by podman', async () => {
    await using client = await openPodman();
    const loaded = await client.podman('load', '--input', archive);
    assert.equal(loaded.exitCode, 0, loaded.all);
    const id = await client.podman('images', '--quiet');
    const mounted = await client.podman('image', 'mount', id.all.trim());
    assert.equal(mounted.exitCode, 0, mounted.all);
    assert.equal(await digestOfFile(join(mounted.all.trim(), 'content')), digestOf(CONTENT));
    await client.podman('image', 'unmount', '--all');
  });

  test('is unpacked by skopeo', async () => {
    const plain = join(folder, 'plain');
    const options = ['--insecure-policy', 'copy', '--dest-decompress'];
    await execa('skopeo', [...options, `oci:${layout}:latest`, `dir:${plain}`]);
    const tar = Buffer.concat([...writeTar([FILE])]);
    assert.ok((await readFile(join(plain, digestHex(digestOf(tar))))).equals(tar));
  });

  test('is unpacked by containerd', async () => {
    await using client = await startContainerd();
    const imported = await client.ctr(
      'images',
      'import',
      '--snapshotter=native',
      '--base-name=derivery.test/zstd',
      archive,
    );
    assert.equal(imported.exitCode, 0, imported.all);
    const target = join(folder, 'mounted');
    await mkdir(target);
    const name = 'derivery.test/zstd:latest';
    const mounted = await client.ctr('images', 'mount', '--snapshotter=native', name, target);
    assert.equal(mounted.exitCode, 0, mounted.all);
    assert.equal(await digestOfFile(join(target, 'content')), digestOf(CONTENT));
    await execa('umount', [target]);
  });
});
