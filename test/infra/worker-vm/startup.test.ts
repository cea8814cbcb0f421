// The worker's startup script on a blank Debian 13, again on the same, and with other programs.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, cp, mkdir, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
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
  await mkdir(join(stubs, 'secrets'));
  await cp(join(WORKER_VM, 'startup.sh'), join(stubs, 'startup.sh'));
  await writeFile(
    join(stubs, 'token'),
    '{"access_token":"the-token","expires_in":3599,"token_type":"Bearer"}',
  );
  for (const [name, file] of Object.entries(FILES)) await cp(join(WORKER_VM, file), attribute(name));
  await writeFile(attribute('environment'), 'DERIVERY_DATABASE="derivery"\n');
  await writeFile(join(stubs, 'etag'), 'of-these');
  for (const file of ['known-hosts', 'netrc', 'ssh-key']) await writeFile(attribute(`git-${file}`), 'none');

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

  /** Puts a secret into Secret Manager and its name into the metadata. */
  async function entrust(name: string, content: string): Promise<void> {
    const payload = { data: Buffer.from(content).toString('base64'), dataCrc32c: '1' };
    const answer = { name: `projects/1/secrets/${name}/versions/1`, payload };
    await writeFile(join(stubs, 'secrets', name), JSON.stringify(answer, null, 2));
    await writeFile(attribute(`git-${name}`), `projects/demo-project/secrets/${name}/versions/latest`);
  }

  /** Runs the script as at a boot; answers what it asked of systemd and the disk. */
  async function boot(): Promise<{ exitCode: number | undefined; all: string; asked: string[] }> {
    return run('bash', '/stubs/startup.sh');
  }

  async function run(
    ...command: string[]
  ): Promise<{ exitCode: number | undefined; all: string; asked: string[] }> {
    await writeFile(join(stubs, 'log'), '');
    const { exitCode, all } = await debian.run(...command);
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
    assert.equal(asked.filter(line => line.startsWith('sync')).length, 2, 'both programs are on the disk');
  });

  test('leaves to the unit that waits for other metadata what it has seen of them', async () => {
    await writeFile(join(stubs, 'etag'), 'of-others');
    const unit = await readFile(join(debian.root, 'etc/systemd/system/derivery-roll.service'), 'utf8');
    const [, command = ''] = /^ExecStart=\/bin\/sh -c '([^']+)'$/m.exec(unit) ?? [];
    const { asked } = await run('sh', '-c', command);
    assert.deepEqual(asked, ['wait last_etag=of-these', 'systemctl restart google-startup-scripts.service']);
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
    assert.ok(!asked.some(line => /^(?:mkfs|systemctl restart|systemd-run)/.test(line)), asked.join('\n'));
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

  test('gives the worker, and nobody else, what private repositories are read with', async () => {
    const asWorker = async (...command: string[]): Promise<string> =>
      (await debian.run('runuser', '--user', 'derivery', '--', ...command)).all;
    assert.match(await asWorker('cat', '/nix/derivery/home/.netrc'), /No such file/, 'none is given');
    const netrc = 'machine git.example.org login worker password open sesame';
    await entrust('netrc', netrc);
    const key = await asWorker('bash', '-c', 'ssh-keygen -q -t ed25519 -N "" -f /tmp/key && cat /tmp/key');
    // As a secret that was typed into a form.
    await entrust('ssh-key', key.trimEnd());
    await entrust('known-hosts', 'git.example.org ssh-ed25519 AAAA');
    const { exitCode, all, asked } = await boot();
    assert.equal(exitCode, 0, all);
    assert.ok(!all.includes('open sesame'));
    assert.ok(asked.includes('systemctl start derivery-worker.service'), 'it is not started anew');
    const files = ['netrc', 'ssh-key', 'known-hosts'].map(file => `/run/derivery/${file}`);
    const owners = await debian.run('stat', '--format=%U %a', ...files);
    assert.equal(owners.all, 'derivery 400\nderivery 400\nderivery 400');
    assert.equal(await asWorker('cat', '/nix/derivery/home/.netrc'), netrc);
    assert.match(await asWorker('ssh-keygen', '-y', '-f', '/run/derivery/ssh-key'), /^ssh-ed25519 /);
    const seen = await asWorker('ssh', '-G', 'git@git.example.org');
    assert.match(seen, /^identityfile \/run\/derivery\/ssh-key$/m);
    assert.match(seen, /^userknownhostsfile \/run\/derivery\/known-hosts$/m);
    assert.match(
      (await debian.run('runuser', '-u', 'nobody', '--', 'cat', ...files)).all,
      /Permission denied/,
    );
  });

  test('starts nothing without a secret that it was promised, and keeps none that it no longer is', async () => {
    await writeFile(attribute('git-netrc'), 'projects/demo-project/secrets/gone/versions/latest');
    const { exitCode, all, asked } = await boot();
    assert.equal(exitCode, 1);
    assert.match(all, /the secret projects\/demo-project\/secrets\/gone\/versions\/latest cannot be read/);
    assert.ok(!asked.some(line => line.includes('derivery-worker')));
    await writeFile(attribute('git-netrc'), 'none');
    const again = await boot();
    assert.equal(again.exitCode, 0, again.all);
    assert.equal((await debian.run('test', '-e', '/run/derivery/netrc')).exitCode, 1);
  });

  test('starts anew what a run has changed that came to no end', async () => {
    const roll = await readFile(attribute('roll-service'));
    await rm(attribute('roll-service'));
    await appendFile(attribute('nix-conf'), 'fallback = true\n');
    await offer('bundle', bundle('third'));
    const { exitCode, asked } = await boot();
    assert.notEqual(exitCode, 0);
    assert.ok(!asked.some(line => line.startsWith('systemctl restart')), asked.join('\n'));
    await writeFile(attribute('roll-service'), roll);
    const again = await boot();
    assert.equal(again.exitCode, 0, again.all);
    assert.ok(again.asked.includes('systemctl restart nix-daemon.service'), again.asked.join('\n'));
    assert.ok(again.asked.includes('systemctl restart derivery-worker.service'), again.asked.join('\n'));
  });

  test('goes on where the machine was taken away amid an installation', async () => {
    await debian.run('dpkg', '--remove', '--force-depends', 'busybox-static');
    await writeFile(join(debian.root, 'var/lib/dpkg/updates/0000'), '');
    const { exitCode, all, asked } = await boot();
    assert.equal(exitCode, 0, all);
    assert.equal((await debian.run('test', '-x', '/usr/bin/busybox')).exitCode, 0);
    assert.ok(!asked.some(line => line.startsWith('systemctl restart')), 'that was done by the run before');
  });

  test('starts nothing where a bundle is not what was promised, and tries it again', async () => {
    await offer('bundle', bundle('fourth'), 'a'.repeat(64));
    const { exitCode, all, asked } = await boot();
    assert.equal(exitCode, 1);
    assert.match(
      asked.at(-1) ?? '',
      /^systemd-run .*--on-active=60 systemctl .*restart google-startup-scripts/,
    );
    assert.match(all, /has the SHA-256/);
    assert.ok(!asked.some(line => line.includes('derivery-worker')));
    assert.equal(await readFile(join(debian.root, 'opt/derivery/worker/index.mjs'), 'utf8'), 'third');
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
