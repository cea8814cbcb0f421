// The worker's startup script on a blank Debian 13, again on the same, and with other programs.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { writeTar } from '#worker/pack/tar.ts';
import { openDebian, skipWithoutDebian } from './debian.ts';

const WORKER_VM = resolve(import.meta.dirname, '../../../infra/worker-vm');

/** As Terraform has them in the machine's metadata (infra/worker.tf). */
const FILES: Readonly<Record<string, string>> = {
  'nftables-conf': 'derivery-nftables.conf',
  'nix-conf': 'nix.conf',
  'nix-daemon-conf': 'derivery-nix-daemon.conf',
  'ops-agent': 'ops-agent.yaml',
  'roll-service': 'derivery-roll.service',
  'worker-service': 'derivery-worker.service',
};

const skip = await skipWithoutDebian();

describe('the startup script', { skip }, async () => {
  if (skip !== false) return;
  const debian = await openDebian();
  const stubs = join(debian.root, 'stubs');
  await mkdir(join(stubs, 'attributes'));
  await mkdir(join(stubs, 'objects'));
  await cp(join(WORKER_VM, 'startup.sh'), join(stubs, 'startup.sh'));
  await writeFile(
    join(stubs, 'token'),
    '{"access_token":"the-token","expires_in":3599,"token_type":"Bearer"}',
  );
  for (const [name, file] of Object.entries(FILES)) await cp(join(WORKER_VM, file), attribute(name));
  await writeFile(attribute('environment'), 'DERIVERY_DATABASE="derivery"\n');

  function attribute(name: string): string {
    return join(stubs, 'attributes', `derivery-${name}`);
  }

  /** Puts a program into the bucket and its name into the metadata. */
  async function offer(
    name: 'bundle' | 'node',
    content: Uint8Array,
    promised = sha256(content),
  ): Promise<void> {
    await writeFile(join(stubs, 'objects', `${name}-${promised}`), content);
    await writeFile(attribute(name), `bundles/${name}-${promised}`);
    await writeFile(attribute(`${name}-sha256`), promised);
  }

  /** Runs the script as at a boot; answers what it asked of systemd and the disk. */
  async function boot(): Promise<{ exitCode: number | undefined; all: string; asked: string[] }> {
    await writeFile(join(stubs, 'log'), '');
    const { exitCode, all } = await debian.run('bash', '/stubs/startup.sh');
    const asked = (await readFile(join(stubs, 'log'), 'utf8')).trimEnd().split('\n');
    return { exitCode, all, asked };
  }

  await offer('node', Buffer.from('#!/bin/sh\necho a Node\n'));
  await offer('bundle', bundle('first'));

  test('makes a worker of a blank machine', async () => {
    const { exitCode, all, asked } = await boot();
    assert.equal(exitCode, 0, all);
    assert.ok(asked.some(line => line.startsWith('mkfs.ext4')));
    assert.ok(asked.indexOf('mount /nix') < asked.indexOf('systemctl restart derivery-worker.service'));
    assert.ok(asked.includes('nft --file /etc/derivery/nftables.conf'));
    assert.equal(await readFile(join(debian.root, 'opt/derivery/worker/index.mjs'), 'utf8'), 'first');
    const { all: version } = await debian.run('nix-instantiate', '--version');
    assert.match(version, /2\.26/);
    assert.match((await debian.run('/opt/derivery/node')).all, /a Node/);
  });

  test('has made a user who owns what the worker writes, and nobody else reads its environment', async () => {
    const owners = await debian.run(
      'stat',
      '--format=%U %a',
      '/nix/derivery/spool',
      '/etc/derivery/worker.env',
    );
    assert.match(owners.all, /^derivery \d+\nroot 600$/);
  });

  test('has written what Nix and nftables understand', async () => {
    const shown = await debian.run('nix', '--extra-experimental-features', 'nix-command', 'show-config');
    assert.match(shown.all, /^sandbox-paths = \/bin\/sh=\/usr\/bin\/busybox$/m);
    assert.match(shown.all, /^build-users-group = nixbld$/m);
    assert.doesNotMatch(shown.all, /unknown setting/);
    assert.equal((await debian.run('test', '-x', '/usr/bin/busybox')).exitCode, 0);
    const checked = await debian.run(
      'unshare',
      '--net',
      '/usr/sbin/nft',
      '--check',
      '--file',
      '/etc/derivery/nftables.conf',
    );
    assert.equal(checked.exitCode, 0, checked.all);
  });

  test('keeps builds from the metadata server, but for names', async () => {
    // In a network of its own, where the server's address is this machine's.
    const script = `
      set -e
      ip link set lo up
      ip address add 169.254.169.254/32 dev lo
      nft=/usr/sbin/nft
      $nft --file /etc/derivery/nftables.conf
      for port in 53 80; do busybox httpd -p "$port" -h /srv; done
      reaches() { setpriv --regid "$1" --clear-groups bash -c "exec 3<>/dev/tcp/169.254.169.254/$2" 2>/dev/null; }
      for group in root derivery nixbld; do
        for port in 53 80; do reaches "$group" "$port" && echo "$group $port"; done
      done
      true`;
    const { all } = await debian.run('unshare', '--net', 'bash', '-c', script);
    assert.deepEqual(all.split('\n'), ['root 53', 'root 80', 'derivery 53', 'derivery 80', 'nixbld 53']);
  });

  test('leaves all as it is at the next boot, with the same disk', async () => {
    const { exitCode, all, asked } = await boot();
    assert.equal(exitCode, 0, all);
    assert.ok(asked.includes('systemctl start derivery-worker.service'));
    assert.ok(!asked.some(line => /^(?:mkfs|systemctl restart)/.test(line)), asked.join('\n'));
    const fstab = await readFile(join(debian.root, 'etc/fstab'), 'utf8');
    assert.equal(fstab.match(/ \/nix /g)?.length, 1);
  });

  test('rolls to another bundle, and then removes the old one', async () => {
    await offer('bundle', bundle('second'));
    const { exitCode, all, asked } = await boot();
    assert.equal(exitCode, 0, all);
    assert.ok(asked.includes('systemctl restart derivery-worker.service'));
    assert.equal(await readFile(join(debian.root, 'opt/derivery/worker/index.mjs'), 'utf8'), 'second');
    const folders = (await readdir(join(debian.root, 'opt/derivery'))).filter(name =>
      name.startsWith('worker-'),
    );
    assert.deepEqual(folders, [await readlink(join(debian.root, 'opt/derivery/worker'))]);
  });

  test('starts nothing where a bundle is not what was promised', async () => {
    await offer('bundle', bundle('third'), 'a'.repeat(64));
    const { exitCode, all, asked } = await boot();
    assert.equal(exitCode, 1);
    assert.match(all, /has the SHA-256/);
    assert.ok(!asked.some(line => line.includes('derivery-worker')));
    assert.equal(await readFile(join(debian.root, 'opt/derivery/worker/index.mjs'), 'utf8'), 'second');
  });
});

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** A bundle whose program is this text. */
function bundle(text: string): Buffer {
  const content = Buffer.from(text);
  const file = {
    kind: 'file' as const,
    name: Buffer.from('index.mjs'),
    owner: { uid: 0, gid: 0 },
    mode: 0o644,
    size: content.length,
    content: () => [content],
  };
  return gzipSync(Buffer.concat([...writeTar([file])]));
}
