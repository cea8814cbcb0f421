// Downloads that break off in the middle of a blob, behind signed addresses of a private bucket: who can goes on where it was.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { digestHex, digestOf, type Digest } from '#core/digest.ts';
import { openBlobs } from '#core/google/blobs.ts';
import { openUrlSigner } from '#core/google/url-signer.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { signedAddresses } from '#functions/registry/blob-addresses.ts';
import { startIamCredentials } from '#local/iam-credentials/server.ts';
import { startMetadata } from '#local/metadata/server.ts';
import { Cloud } from '#test/cloud.ts';
import { startSubject, type Subject } from '#test/contract/storage/subject.ts';
import { readyImage } from '#test/functions/registry/ready-image.ts';
import { Served } from '#test/functions/registry/served.ts';
import { startDockerEngine } from './docker-engine.ts';

const MIB = 1 << 20;

/** A Docker engine cannot be started by an ordinary user. Where everything has to be tested, that is a failure. */
const skip = process.getuid?.() !== 0 && process.env['CI'] !== 'true' && 'dockerd needs root';

describe('a download that breaks off', { timeout: 180_000 }, () => {
  const open = new AsyncDisposableStack();
  let folder: string;
  let bucket: Subject;
  let registry: string;
  let image: string;
  let layer: { readonly digest: Digest; readonly bytes: Buffer };
  /** Of each request for the layer's bytes: what its Range was. */
  let ranges: (string | undefined)[] = [];
  /** How far the clocks of registry and bucket are ahead. Milliseconds. */
  let ahead = 0;
  const now = (): number => Date.now() + ahead;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'derivery-interrupted-'));
    open.defer(() => rm(folder, { recursive: true, force: true }));
    const iam = await startIamCredentials({ dataFolder: join(folder, 'keys') });
    open.defer(() => iam.close());
    const metadata = await startMetadata({ email: 'registry@test.iam.gserviceaccount.com' });
    open.defer(() => metadata.close());
    process.env['GCE_METADATA_HOST'] = metadata.host;
    bucket = open.use(
      await startSubject({ verifyKey: account => iam.publicKeyOf(account), publicRead: false, now }),
    );
    // After the bucket: its client would take the other one's address from the environment.
    const cloud = open.use(await Cloud.start());
    const baseUrl = `${bucket.server.url}/${bucket.bucket.name}/blobs`;
    const blobAddress = signedAddresses(baseUrl, openUrlSigner(iam.signingEndpoint, now), 3600, now);
    const served = open.use(await Served.start('functions-framework', cloud, 60_000, { blobAddress }));
    registry = `127.0.0.1:${served.port}`;

    async function store(bytes: Buffer): Promise<{ digest: Digest; size: number }> {
      const digest = digestOf(bytes);
      await bucket.bucket.file(`blobs/sha256/${digestHex(digest)}`).save(bytes, { resumable: false });
      const fact = { size: bytes.length, crc32c: 'AAAAAA==', generation: '1' };
      await openBlobs(cloud.firestore).record(digest, fact);
      return { digest, size: bytes.length };
    }
    const tar = await tarOf(join(folder, 'content'), randomBytes(6 * MIB));
    const bytes = gzipSync(tar, { level: 1 });
    layer = { digest: digestOf(bytes), bytes };
    const rootfs = { type: 'layers', diff_ids: [digestOf(tar)] };
    const config = await store(Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs })));
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: { mediaType: MEDIA_TYPES.config, ...config },
      layers: [{ mediaType: MEDIA_TYPES.gzipLayer, ...(await store(bytes)) }],
    };
    const made = await readyImage(cloud, JSON.stringify(manifest));
    image = made.name;
  });
  after(() => open.disposeAsync());

  /** The next answer with bytes of the layer ends after so many. */
  beforeEach(() => {
    ranges = [];
    const isOfLayer = (path: string): boolean => path.endsWith(digestHex(layer.digest));
    bucket.faults.length = 0;
    bucket.faults.push(
      {
        when: ({ path, headers }) => {
          if (isOfLayer(path)) ranges.push(headers.range);
          return false;
        },
        effect: 'delay',
        milliseconds: 0,
      },
      { when: ({ path }) => isOfLayer(path), times: 1, effect: 'cut answer', afterBytes: 3 * MIB },
    );
  });

  test('T11: is gone on with by who asks the registry for the rest', async () => {
    const blob = `http://${registry}/v2/${image}/blobs/${layer.digest}`;
    const first = await readAll(await fetch(blob));
    assert.ok(first.isCut && first.bytes.length > 0 && first.bytes.length < layer.bytes.length);
    const rest = await fetch(blob, { headers: { range: `bytes=${first.bytes.length}-` } });
    assert.equal(rest.status, 206);
    assert.equal(
      rest.headers.get('content-range'),
      `bytes ${first.bytes.length}-${layer.bytes.length - 1}/${layer.bytes.length}`,
    );
    const { bytes } = await readAll(rest);
    assert.equal(digestOf(Buffer.concat([first.bytes, bytes])), layer.digest);
    const beyond = await fetch(blob, { headers: { range: `bytes=${layer.bytes.length}-` } });
    assert.equal(beyond.status, 416);
  });

  test('T11: and whose address has expired meanwhile is gone on with at a new one', async () => {
    const blob = `http://${registry}/v2/${image}/blobs/${layer.digest}`;
    const location = (await fetch(blob, { redirect: 'manual' })).headers.get('location') ?? '';
    const first = await readAll(await fetch(location));
    assert.ok(first.isCut);
    const headers = { range: `bytes=${first.bytes.length}-` };
    // And never back: the registry has an address in memory that holds from here on.
    ahead = 61 * 60_000;
    assert.equal((await fetch(location, { headers })).status, 400);
    const rest = await fetch(blob, { headers });
    assert.equal(rest.status, 206);
    const { bytes } = await readAll(rest);
    assert.equal(digestOf(Buffer.concat([first.bytes, bytes])), layer.digest);
  });

  test('is gone on with by docker', { skip }, async () => {
    await using engine = await startDockerEngine();
    const { exitCode, all } = await engine.docker('pull', `${registry}/${image}`);
    assert.equal(exitCode, 0, all);
    assert.equal(ranges.length, 2);
    assert.match(String(ranges[1]), /^bytes=[1-9]\d*-$/, 'only the rest is fetched');
  });

  test('is gone on with by containerd', { skip }, async () => {
    const state = join(folder, 'containerd');
    const address = join(state, 'socket');
    await mkdir(state);
    await writeFile(
      join(state, 'config.toml'),
      'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n',
    );
    const daemon = execa(
      'containerd',
      [
        `--config=${state}/config.toml`,
        `--root=${state}/root`,
        `--state=${state}/state`,
        `--address=${address}`,
      ],
      { reject: false, all: true },
    );
    try {
      const ctr = (...args: string[]) =>
        execa('ctr', ['--address', address, ...args], { reject: false, all: true });
      while ((await ctr('version')).exitCode !== 0)
        assert.equal(daemon.nodeChildProcess.exitCode, null, 'it ended');
      const { exitCode, all } = await ctr('content', 'fetch', '--plain-http', `${registry}/${image}:latest`);
      assert.equal(exitCode, 0, all);
      assert.match(String(ranges[1]), /^bytes=[1-9]\d*-/, 'only the rest is fetched');
    } finally {
      daemon.kill('SIGTERM');
      await daemon;
    }
  });
});

/** A tar archive of a file with this content, which is written first. */
async function tarOf(file: string, content: Buffer): Promise<Buffer> {
  await writeFile(file, content);
  const { stdout } = await execa('tar', ['-cf', '-', '-C', dirname(file), basename(file)], {
    encoding: 'buffer',
  });
  return Buffer.from(stdout);
}

/** What comes of a body, and whether its end was missing. */
async function readAll(answer: Response): Promise<{ bytes: Buffer; isCut: boolean }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of answer.body ?? []) chunks.push(chunk);
  } catch {
    return { bytes: Buffer.concat(chunks), isCut: true };
  }
  return { bytes: Buffer.concat(chunks), isCut: false };
}
