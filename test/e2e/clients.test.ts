// Real clients pull from a whole local system, started by the README's command.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execa } from 'execa';
import { startDockerEngine, type DockerEngine } from './docker-engine.ts';
import { startLocalSystem, type LocalSystem } from './local-system.ts';
import { checkBlobs, pullManifest } from './oci-client.ts';

const IMAGE = 'shell/git/curl/jq';

/** A Docker engine cannot be started by an ordinary user. Where everything has to be tested, that is a failure. */
const skip = process.getuid?.() !== 0 && process.env['CI'] !== 'true' && 'dockerd needs root';

describe('real clients', { timeout: 300_000, skip }, () => {
  let system: LocalSystem;
  let engine: DockerEngine;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'derivery-clients-'));
    [system, engine] = await Promise.all([
      startLocalSystem({ source: 'debian', built: [IMAGE] }),
      startDockerEngine(),
    ]);
  });

  after(async () => {
    await engine[Symbol.asyncDispose]();
    await system.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs a program of an image in a container without a network. */
  async function run(image: string, ...command: string[]): Promise<string> {
    const { exitCode, all } = await engine.docker('run', '--rm', '--network=none', image, ...command);
    assert.equal(exitCode, 0, all);
    return all ?? '';
  }

  test('docker pulls an image that nobody had, and its programs run', async () => {
    const image = `${system.registry}/${IMAGE}`;
    const pulled = await engine.docker('pull', image);
    assert.equal(pulled.exitCode, 0, pulled.all);

    assert.match(await run(image, 'git', '--version'), /^git version 2\./);
    assert.match(await run(image, 'curl', '--version'), /^curl [78]\./);
    assert.equal(await run(image, 'jq', '-n', '-c', '{a:[1,2]}'), '{"a":[1,2]}');
    assert.match(await run(image, 'nano', '--version'), /GNU nano/);
    // Where the programs of the bundled set look for what the terminal can do.
    await run(image, 'test', '-e', '/lib/terminfo/x/xterm');
    // Without a command: the shell that the name asks for.
    const { all } = await engine.docker('image', 'inspect', '--format={{json .Config.Cmd}}', image);
    assert.equal(all, '["/bin/bash"]');
    assert.equal(
      await run(
        image,
        '/bin/bash',
        '-c',
        'echo "$(ls /nix/store | wc -l)" > /tmp/n && test -s /tmp/n && echo ok',
      ),
      'ok',
    );
    const repository =
      'cd /tmp && git init -q r && cd r && git config user.email a@b && git config user.name n';
    const commit = 'echo hi > f && git add f && git commit -q -m m && git log --format=%s';
    assert.equal(await run(image, 'bash', '-c', `${repository} && ${commit}`), 'm');
  });

  test('the same image by docker, podman and skopeo, by tag and by digest', async () => {
    const { digest, annotations } = await pullManifest(system.registry, IMAGE);
    assert.match(annotations['org.opencontainers.image.revision'] ?? '', /^[0-9a-f]{40,64}$/);

    const byDigest = await engine.docker('pull', `${system.registry}/${IMAGE}@${digest}`);
    assert.equal(byDigest.exitCode, 0, byDigest.all);
    assert.match(byDigest.all ?? '', new RegExp(`Digest: ${digest}`));

    const copy = `dir:${folder}/copy`;
    await execa('skopeo', ['copy', '--src-tls-verify=false', `docker://${system.registry}/${IMAGE}`, copy]);
    assert.equal(await skopeoDigest(copy), digest);
    const remote = `docker://${system.registry}/${IMAGE}@${digest}`;
    await execa('skopeo', ['copy', '--src-tls-verify=false', remote, `dir:${folder}/copy-by-digest`]);
    assert.equal(await skopeoDigest(`dir:${folder}/copy-by-digest`), digest);

    const podman = [
      '--root',
      `${folder}/podman`,
      '--runroot',
      `${folder}/podman-run`,
      '--storage-driver=overlay',
    ];
    const image = `${system.registry}/${IMAGE}`;
    await execa('podman', [...podman, 'pull', '--tls-verify=false', image]);
    const inspected = await execa('podman', [...podman, 'image', 'inspect', '--format={{.Digest}}', image]);
    assert.equal(inspected.stdout, digest);
  });

  test('another order of the names is the same image', async () => {
    const [one, other] = await Promise.all([
      pullManifest(system.registry, IMAGE),
      pullManifest(system.registry, 'shell/jq/git/curl/git'),
    ]);
    assert.equal(other.digest, one.digest);
  });

  test('every blob that the manifest names is there, whole, and its config tells of every layer', async () => {
    const manifest = await pullManifest(system.registry, IMAGE);
    assert.equal(await checkBlobs(system.registry, IMAGE, manifest), manifest.layers.length + 1);
    const copied = await readFile(`${folder}/copy/${manifest.config.digest.replace('sha256:', '')}`, 'utf8');
    const config = JSON.parse(copied) as { rootfs: { diff_ids: string[] }; history: object[] };
    assert.equal(config.rootfs.diff_ids.length, manifest.layers.length);
    assert.equal(config.history.length, manifest.layers.length);
  });

  test('a name that is not in the package set is told on the terminal, with what is near', async () => {
    const docker = await engine.docker('pull', `${system.registry}/shell/gti`);
    assert.notEqual(docker.exitCode, 0);
    assert.match(docker.all ?? '', /"gti" is not in the package set.*\bgit\b/);

    const remote = `docker://${system.registry}/shell/gti`;
    const skopeo = await execa('skopeo', ['inspect', '--tls-verify=false', remote], { reject: false });
    assert.notEqual(skopeo.exitCode, 0);
    assert.match(skopeo.stderr, /gti.* is not in the package set/);
  });

  test('a build that fails shows the end of its log', async () => {
    const docker = await engine.docker('pull', `${system.registry}/failing-hello`);
    assert.notEqual(docker.exitCode, 0);
    assert.match(docker.all ?? '', /failing-hello/);
  });
});

async function skopeoDigest(image: string): Promise<string> {
  const { stdout } = await execa('skopeo', ['inspect', '--format={{.Digest}}', image]);
  return stdout;
}
