// What real clients make of builds that take long, never end, or fail.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { ALWAYS_PACKAGES } from '#core/image-settings.ts';
import { Cloud } from '#test/cloud.ts';
import { debianSet } from '#test/nix/debian-set.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { startContainerd } from './containerd.ts';
import { startDockerEngine } from './docker-engine.ts';
import { Fleet } from './fleet.ts';
import { pullManifest } from './oci-client.ts';
import { openPodman } from './podman.ts';

/** A Docker engine cannot be started by an ordinary user. Where everything has to be tested, that is a failure. */
const skip = process.getuid?.() !== 0 && process.env['CI'] !== 'true' && 'dockerd needs root';

const SLOW_SECONDS = 30;

/** A chain of redirects takes 18 s: nobody gets through the build with one of them. */
const HOLD_2 = { DERIVERY_HOLD_SECONDS: '2', DERIVERY_LONG_HOLD_SECONDS: '2' };
const IMPATIENT = {
  DERIVERY_HOLD_SECONDS: '0.2',
  DERIVERY_LONG_HOLD_SECONDS: '0.2',
  DERIVERY_RETRY_SECONDS: '1',
};

interface Ended {
  readonly exitCode: number | undefined;
  readonly all: string;
}

type Client = (image: string) => Promise<Ended>;

test('real clients', { timeout: 240_000, skip, concurrency: 15 }, async context => {
  await using cloud = await Cloud.start();
  const set = await debianSet();
  /** A worker builds one thing at a time: what never ends has one of its own, and packages that no other one waits for. */
  async function fleetWith(name: string, script: string): Promise<Fleet> {
    const fresh = randomUUID();
    const folder = await scratchSet(context, {
      ...Object.fromEntries(ALWAYS_PACKAGES.map(always => [always, `echo ${fresh} >$out`])),
      [name]: `${script}; echo ${fresh} >$out`,
      failing: `echo ${fresh}; seq 1000; echo 'the build says why' >&2; exit 1`,
    });
    return Fleet.start(cloud, set, folder, {});
  }
  await using slow = await fleetWith('slow', `sleep ${SLOW_SECONDS}`);
  await using endless = await fleetWith('endless', 'sleep 1000');
  const [patient, impatient, worker] = await Promise.all([
    slow.startRegistry(HOLD_2),
    endless.startRegistry(IMPATIENT),
    endless.startWorker(),
    slow.startWorker(),
  ]);
  await using engine = await startDockerEngine();
  await using containerd = await startContainerd();
  await using podman = await openPodman();
  const copies = await mkdtemp(join(tmpdir(), 'derivery-copies-'));
  context.after(() => rm(copies, { recursive: true, force: true }));

  const clients: Readonly<Record<string, Client>> = {
    docker: image => engine.docker('pull', image),
    podman: image => podman.podman('pull', '--tls-verify=false', image),
    buildah: image => podman.buildah('pull', '--tls-verify=false', image),
    ctr: image => containerd.ctr('images', 'pull', '--plain-http', image),
    skopeo: async image => {
      const copy = [
        'copy',
        '--src-tls-verify=false',
        `docker://${image}`,
        `dir:${join(copies, randomUUID())}`,
      ];
      const { exitCode, all } = await execa('skopeo', copy, { reject: false, all: true });
      return { exitCode, all };
    },
  };

  const tests = Object.entries(clients).flatMap(([name, pull]) => [
    context.test(
      `T12: ${name} has the image of a build of ${SLOW_SECONDS} s at its first command, and again`,
      async () => {
        const repository = `${patient.address}/slow`;
        const { exitCode, all } = await pull(`${repository}:latest`);
        assert.equal(exitCode, 0, all);
        const { digest } = await pullManifest(patient.address, 'slow');
        for (const reference of [':latest', `@${digest}`]) {
          const again = await pull(repository + reference);
          assert.equal(again.exitCode, 0, again.all);
        }
      },
    ),

    context.test(`${name} says of a build without an end how far it is, and what to do`, async () => {
      const { exitCode, all } = await pull(`${impatient.address}/endless:latest`);
      assert.notEqual(exitCode, 0);
      assert.match(all, /the image is being built \(building[^)]*\); run the same pull again/);
    }),

    context.test(`${name} says why a build failed`, async () => {
      const { exitCode, all } = await pull(`${patient.address}/failing:latest`);
      assert.notEqual(exitCode, 0);
      assert.match(all, /failing\W+ cannot be built/);
    }),
  ]);
  await Promise.all(tests);

  await context.test('who pulls again joins the build', async () => {
    await clients['docker']?.(`${impatient.address}/endless:latest`);
    assert.equal(worker.log.count('"build started"'), 1);
  });
});
