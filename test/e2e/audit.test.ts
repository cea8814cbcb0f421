// Images that are made again from nothing, by the README's command, and ones that somebody changed.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { crc32c, formatCrc32c } from '#core/crc32c.ts';
import { digestOf, parseDigest, type Digest } from '#core/digest.ts';
import { openBlobBucket } from '#core/google/bucket.ts';
import { openFirestore } from '#core/google/firestore.ts';
import { openManifests, storeManifest } from '#core/google/manifests.ts';
import { readProgramEnvironment } from '#local/running-system.ts';
import { startLocalSystem, type LocalSystem } from './local-system.ts';
import { pullManifest } from './oci-client.ts';

// As the command does it.
EventEmitter.defaultMaxListeners = 20;

const AUDIT = resolve(import.meta.dirname, '../../infra/local/audit.ts');

/** So that what they leave is compared as well. */
const SETTINGS = {
  DERIVERY_EXTRA_COMMANDS: 'echo welcome >etc/motd; mkdir -m 1777 scratch',
  DERIVERY_UID: '7',
};

describe('an audit', { timeout: 200_000 }, () => {
  let system: LocalSystem;
  before(async () => {
    system = await startLocalSystem({ source: 'debian', env: SETTINGS });
    await pullManifest(system.registry, 'hello/tree');
  });
  after(() => system.stop());

  /** `npm run audit`, with `prefix` before it. */
  async function audit(image: string, prefix: readonly string[] = []) {
    const env = { DERIVERY_STATE: system.state };
    const [program, ...args] = [...prefix, process.execPath, AUDIT, image] as const;
    const { exitCode, stdout, stderr } = await execa(program, args, { env, reject: false });
    assert.doesNotMatch(stderr, /Warning/);
    return { exitCode, stdout, stderr };
  }

  test('finds the same image in an empty store, on one core, in another order of names', async () => {
    const { exitCode, stdout, stderr } = await audit('tree/hello:latest', ['taskset', '--cpu-list', '0']);
    assert.equal(exitCode, 0, stderr);
    assert.match(
      stdout,
      /^✓ tree\/hello:latest \(linux\/amd64\) is the same again: sha256:[0-9a-f]{64}, from debian at /,
    );
    assert.match(stderr, /^… building 5$/m);
  });

  test('names what differs', async () => {
    const cloud = await openCloud(system.state);
    const { digest } = await pullManifest(system.registry, 'hello/tree');
    const tampered = await cloud.tamper(parseDigest(digest));
    const { exitCode, stdout, stderr } = await audit(`hello/tree@${tampered}`);
    await cloud.close();
    assert.equal(exitCode, 1, stderr);
    const [first, ...rest] = stdout.split('\n');
    assert.match(first ?? '', new RegExp(`differs: served ${tampered}, rebuilt ${digest}$`));
    const content =
      'content served \\d+ bytes, sha256 [0-9a-f]{16}…, rebuilt \\d+ bytes, sha256 [0-9a-f]{16}…';
    const lines = [
      '  the config',
      '    config\\.config\\.Cmd: served \\["/bin/evil"\\], rebuilt nothing',
      '  only the compression of layer \\d+',
      '    \\S+: /nix/store/.*',
      '  /nix/store/[a-z0-9]{32}-glibc-[0-9.]+',
      `    lib/\\S+: ${content}`,
      '  /nix/store/[a-z0-9]{32}-hello-[0-9.]+',
      `    bin/hello: ${content}`,
    ];
    for (const line of lines) assert.match(rest.join('\n'), new RegExp(`^${line}$`, 'm'));
    assert.equal(rest.length, lines.length, stdout);
  });

  test('says why it cannot tell', async () => {
    const missing = await audit('jq');
    assert.equal(missing.exitCode, 2);
    assert.equal(missing.stderr, 'derivery: There is no such image here: pull it first.');

    const file = await revisionFile(system.state);
    const revision = await readFile(file, 'utf8');
    await writeFile(file, 'another\n');
    const moved = await audit('hello/tree');
    await writeFile(file, revision);
    assert.equal(moved.exitCode, 2);
    assert.match(
      moved.stderr,
      /^derivery: It cannot be made again: debian has changed since\. .*at another now\.$/m,
    );
    assert.deepEqual(
      (await readdir(process.env['TMPDIR'] ?? '/tmp')).filter(name => name.startsWith('derivery-audit-')),
      [],
    );
  });

  test('needs a system that runs', async () => {
    const { exitCode, stderr } = await execa(process.execPath, [AUDIT, 'hello'], {
      env: { DERIVERY_STATE: '/nonexistent' },
      reject: false,
    });
    assert.equal(exitCode, 2);
    assert.match(stderr, /^derivery: No system runs in \/nonexistent: start one/);
  });
});

/** The revision of the package set that the worker has. */
async function revisionFile(state: string): Promise<string> {
  const { DERIVERY_DEBIAN_SET: set = '' } = await readProgramEnvironment(state, 'worker');
  return join(set, 'revision');
}

interface Document {
  readonly config: { digest: Digest; size: number };
  readonly layers: { digest: Digest; size: number }[];
}

/** Whoever may write to the deployment's bucket and database. */
async function openCloud(state: string) {
  Object.assign(process.env, JSON.parse(await readFile(join(state, 'services.json'), 'utf8')));
  const { GOOGLE_CLOUD_PROJECT: project = '', DERIVERY_BUCKET = '' } = await readProgramEnvironment(
    state,
    'worker',
  );
  const firestore = openFirestore(project, '(default)');
  const bucket = openBlobBucket(project, DERIVERY_BUCKET);
  const manifests = openManifests(firestore);

  async function put(bytes: Buffer): Promise<{ digest: Digest; size: number }> {
    const blob = { digest: digestOf(bytes), size: bytes.length };
    await bucket.put({ ...blob, crc32c: formatCrc32c(crc32c(bytes)), from: { bytes } });
    return blob;
  }

  return {
    close: () => firestore.terminate(),

    /**
     * Stores the image with other contents in the C library's layer and in hello's, another command, and another
     * compression of the first of its other layers.
     */
    async tamper(digest: Digest): Promise<Digest> {
      const manifest = await manifests.read(digest);
      assert.ok(manifest !== undefined);
      const document = JSON.parse(Buffer.from(manifest.bytes).toString()) as Document;
      const config = JSON.parse((await buffer(bucket.read(document.config.digest))).toString()) as {
        config: { Cmd: string[] };
        rootfs: { diff_ids: Digest[] };
      };
      config.config.Cmd = ['/bin/evil'];
      let recompressed = false;
      for (const [index, layer] of document.layers.entries()) {
        const tar = gunzipSync(await buffer(bucket.read(layer.digest)));
        // The contents of files alone: a tar has no checksums of those.
        if (tar.includes('GNU C Library')) tar.write('Gnu', tar.indexOf('GNU C Library'));
        else if (tar.includes('Hello, world!')) tar.write('Howdy', tar.indexOf('Hello, world!'));
        else if (recompressed) continue;
        else recompressed = true;
        config.rootfs.diff_ids[index] = digestOf(tar);
        Object.assign(layer, await put(gzipSync(tar, { level: 1 })));
      }
      Object.assign(document.config, await put(Buffer.from(JSON.stringify(config))));
      const bytes = Buffer.from(JSON.stringify(document));
      const tampered = { ...manifest, digest: digestOf(bytes), bytes };
      await firestore.runTransaction(async transaction => storeManifest(firestore, tampered)(transaction));
      return tampered.digest;
    },
  };
}
