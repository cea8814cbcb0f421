// What is deployed, as it is deployed: from the archives, elsewhere, with its own node_modules and what a deployment sets, and with
// services that speak Google's protocols.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PubSub } from '@google-cloud/pubsub';
import { execa } from 'execa';
import { ALWAYS_PACKAGES } from '#core/image-settings.ts';
import { localEnvironment, NO_LIMITS, PROJECT } from '#local/local-environment.ts';
import type { PushMessage } from '#local/resources.ts';
import { Supervisor } from '#local/supervisor.ts';
import { smallPackages } from '#test/e2e/fleet.ts';
import { checkBlobs, pullManifest } from '#test/e2e/oci-client.ts';
import { basic } from '#test/functions/registry/auth/clients.ts';
import { userLine, UsersFile } from '#test/functions/registry/auth/users-file.ts';
import { debianSet } from '#test/nix/debian-set.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { startFunction, startWorker } from './bundle-process.ts';
import { installBundles, type InstalledBundles } from './installed-bundles.ts';

const ROOT = resolve(import.meta.dirname, '../..');

describe('the deployed bundles', { timeout: 280_000 }, () => {
  let folder: string;
  let bundles: InstalledBundles;
  let services: Readonly<Record<string, string>>;
  const standIns = new Supervisor({ onLine: console.error, onNotice: () => {}, onProcesses: () => {} });

  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'derivery-bundles-')));
    [bundles, services] = await Promise.all([installBundles(folder), startStandIns()]);
  });
  after(async () => {
    await standIns.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function startStandIns(): Promise<Readonly<Record<string, string>>> {
    const { environment = {} } = await standIns.start({
      name: 'stand-ins',
      file: join(ROOT, 'infra/local/stand-ins.ts'),
      environment: () => ({
        ...process.env,
        ...localEnvironment(),
        STAND_INS_FIRESTORE: join(folder, 'stand-ins/firestore'),
        STAND_INS_PUBSUB: join(folder, 'stand-ins/pubsub'),
        STAND_INS_STORAGE: join(folder, 'stand-ins/storage'),
        STAND_INS_IAM: join(folder, 'stand-ins/iam'),
      }),
      restarts: false,
    });
    return environment;
  }

  /** What Terraform sets, in short. */
  function settings(source: string): NodeJS.ProcessEnv {
    return {
      ...localEnvironment(),
      ...services,
      ...NO_LIMITS,
      DERIVERY_SOURCE: source,
      DERIVERY_HOP_SECRET: 'what-the-instances-of-this-test-have-in-common',
    };
  }

  async function publish(topic: string, message: object): Promise<void> {
    const [host, port] = services['PUBSUB_EMULATOR_HOST']?.split(':') ?? [];
    await using closing = new AsyncDisposableStack();
    const pubsub = new PubSub({ projectId: PROJECT, apiEndpoint: `${host}:${port}`, emulatorMode: true });
    closing.defer(() => pubsub.close());
    await pubsub.topic(topic).publishMessage({ json: message });
  }

  test('make an image that a message asks for, and one that is pulled', async context => {
    const set = await debianSet();
    const packages = await smallPackages(context, ['one', 'two']);
    const common = settings(`path:${packages}`);
    await using worker = await startWorker(bundles, {
      environment: {
        ...common,
        DERIVERY_SPOOL: join(folder, 'spool'),
        DERIVERY_NIX_STORE: set.store,
        NIX_CONFIG: set.nix.environment['NIX_CONFIG'],
      },
    });
    await using registry = await startFunction(bundles, 'registry', { environment: common });
    await using prebuild = await startFunction(bundles, 'prebuild', { environment: common });
    await using janitor = await startFunction(bundles, 'janitor', { environment: common });
    const address = `127.0.0.1:${registry.port}`;
    context.diagnostic(`registry listens after ${registry.startMs.toFixed(0)} ms`);

    const push: PushMessage = { type: 'push', topic: 'prebuilds', port: prebuild.port };
    standIns.send('stand-ins', push);
    await publish('prebuilds', { images: ['one:latest'] });
    await prebuild.log.until('prebuilds queued');
    assert.match(await worker.log.until(/"build (?!started|claimed)/), /"build published"/);
    const first = await fetch(`http://${address}/v2/one/manifests/latest`, { redirect: 'manual' });
    assert.equal(first.status, 200, 'it is there before anyone pulls');

    const pulled = await pullManifest(address, 'one/two');
    assert.equal(await checkBlobs(address, 'one/two', pulled), 1 + pulled.layers.length);

    await using signing = await startFunction(bundles, 'registry', {
      environment: { ...common, DERIVERY_BUCKET_ACCESS: 'private' },
    });
    const blob = `http://127.0.0.1:${signing.port}/v2/one/two/blobs/${pulled.config.digest}`;
    const { headers } = await fetch(blob, { redirect: 'manual' });
    assert.match(headers.get('location') ?? '', /X-Goog-Signature=/, 'google-auth-library is there');

    assert.equal(await sendEvent(janitor.port, 'maintenance'), 204);
    for (const program of [worker, registry, prebuild, janitor, signing]) {
      assert.equal(await program.stop(), 0, program.log.lines.join('\n'));
      assert.deepEqual(
        program.log.lines.filter(line => /ERR_ACCESS_DENIED|"severity":"(?:ERROR|CRITICAL)"/.test(line)),
        [],
      );
    }
  });

  test('are replaced while they build, and no build is lost', async context => {
    const set = await debianSet();
    // Where this pipe is in its sandbox, its builder says into it that it runs, and takes its time.
    const told = join(folder, 'told');
    await execa('mkfifo', ['--mode=666', told]);
    const always = ALWAYS_PACKAGES.map(name => [name, `echo ${randomUUID()} >$out`]);
    const patient = `if [ -p /told ]; then echo >/told; sleep 60; fi; echo ${randomUUID()} >$out`;
    const packages = await scratchSet(context, { ...Object.fromEntries(always), patient });
    // A lease that nobody waits for: what goes on was given back.
    const common = { ...settings(`path:${packages}`), DERIVERY_LEASE_SECONDS: '600' };
    const environment = {
      ...common,
      DERIVERY_SPOOL: join(folder, 'spool'),
      DERIVERY_NIX_STORE: set.store,
      NIX_CONFIG: set.nix.environment['NIX_CONFIG'],
    };
    const slow = {
      ...environment,
      NIX_CONFIG: `${environment.NIX_CONFIG}\nextra-sandbox-paths = /told=${told}`,
    };
    await using registry = await startFunction(bundles, 'registry', { environment: common });
    await using first = await startWorker(bundles, { environment: slow });
    const address = `127.0.0.1:${registry.port}`;
    const pulled = pullManifest(address, 'patient');
    pulled.catch(() => {});
    await readFile(told);

    // As the startup script does when it finds another bundle in the metadata: a folder of its own, and SIGTERM to what runs.
    const next = join(folder, 'next-worker');
    await cp(bundles.worker, next, { recursive: true });
    assert.equal(await first.stop(), 0, first.log.lines.join('\n'));
    assert.ok(first.log.lines.some(line => line.includes('build given back')));
    await using second = await startWorker({ ...bundles, worker: next }, { environment });
    const manifest = await pulled;
    assert.equal(await checkBlobs(address, 'patient', manifest), 1 + manifest.layers.length);
    assert.equal(await second.stop(), 0, second.log.lines.join('\n'));
  });

  test('know users by their passwords', async () => {
    await using users = await UsersFile.of(await userLine('alice', 'open sesame'));
    await using registry = await startFunction(bundles, 'registry', {
      environment: {
        ...settings('debian'),
        DERIVERY_ACCESS: 'users',
        DERIVERY_USERS_FILE: users.path,
        DERIVERY_TOKEN_SECRET: 'what-tokens-of-this-test-are-signed-with',
      },
      reads: [users.path],
    });
    const base = `http://127.0.0.1:${registry.port}`;
    const login = (password: string): Promise<Response> =>
      fetch(`${base}/token?account=alice`, {
        headers: { authorization: basic('alice', password) },
      });
    assert.equal((await login('guessed')).status, 401);
    const answer = await login('open sesame');
    assert.equal(answer.status, 200, await answer.clone().text());
    const { token } = (await answer.json()) as { token: string };
    const api = await fetch(`${base}/v2/`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(api.status, 200, 'bcrypt and jose are there');
    assert.equal((await fetch(`${base}/v2/`)).status, 401);
  });

  test('say which setting is wrong', async () => {
    const { GOOGLE_CLOUD_PROJECT: _, ...others } = settings('debian');
    await assert.rejects(startFunction(bundles, 'registry', { environment: others }), /GOOGLE_CLOUD_PROJECT/);
    const nobody = startFunction(bundles, 'nobody' as 'registry', { environment: settings('debian') });
    await assert.rejects(nobody, /FUNCTION_TARGET is .*nobody.*, not one of registry, prebuild, janitor/);
  });
});

/** An event as Eventarc delivers it. Answers with the status. */
async function sendEvent(port: number, topic: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': 'an-event',
      'ce-type': 'google.cloud.pubsub.topic.v1.messagePublished',
      'ce-source': `//pubsub.googleapis.com/projects/${PROJECT}/topics/${topic}`,
    },
    body: JSON.stringify({ message: { data: Buffer.from('{}').toString('base64') } }),
  });
  await response.arrayBuffer();
  return response.status;
}
