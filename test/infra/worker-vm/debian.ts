// Debian 13 in a folder that is made the root of what runs in it: as near to a blank machine as one comes without one.
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { execa } from 'execa';

export interface Debian {
  readonly root: string;
  /** Runs a program as root of the folder, with processes, mounts and devices of its own. */
  run(...command: readonly string[]): Promise<{ exitCode: number | undefined; all: string }>;
}

/** What stands in for what is not there: stubs.sh, by these names. */
const STUBS = 'blkid curl mkfs.ext4 mount mountpoint nft resize2fs sync systemctl systemd-run'.split(' ');

const ENTER = `
set -e
mount -t proc proc "$0/proc"
mount -t tmpfs tmpfs "$0/dev"
for device in null zero random urandom; do touch "$0/dev/$device"; mount --bind "/dev/$device" "$0/dev/$device"; done
ln -s /proc/self/fd "$0/dev/fd"
ln -s /proc/self/fd/1 "$0/dev/stdout"
ln -s /proc/self/fd/2 "$0/dev/stderr"
mkdir -p "$0/dev/disk/by-id"
mknod "$0/dev/disk/by-id/google-nix" b 7 250
exec chroot "$0" env -i PATH=/stubs:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"`;

/** Why there can be none here, else false. */
export async function skipWithoutDebian(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'not compared: a folder that is made the root needs root';
  const { failed } = await execa('debootstrap', ['--version'], { reject: false });
  return failed ? 'not compared: debootstrap is not installed' : false;
}

/** Makes one of Debian's mirror; it is removed when the file's tests are over. */
export async function openDebian(): Promise<Debian> {
  const root = await mkdtemp(join(tmpdir(), 'derivery-debian-'));
  after(() => rm(root, { recursive: true, force: true }));
  await chmod(root, 0o755);
  await execa('debootstrap', [
    '--variant=minbase',
    '--include=ca-certificates,curl,iproute2',
    'trixie',
    root,
    'http://deb.debian.org/debian',
  ]);
  await cp('/etc/resolv.conf', join(root, 'etc/resolv.conf'));
  // Nothing is started: there is no systemd.
  await writeFile(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  await mkdir(join(root, 'stubs'));
  const stubs = await readFile(join(import.meta.dirname, 'stubs.sh'));
  await writeFile(join(root, 'stubs/stubs.sh'), stubs, { mode: 0o755 });
  for (const name of STUBS) await symlink('stubs.sh', join(root, 'stubs', name));
  return {
    root,
    async run(...command) {
      const args = ['--mount', '--pid', '--fork', '--kill-child', 'bash', '-c', ENTER, root, ...command];
      const { exitCode, all } = await execa('unshare', args, { reject: false, all: true });
      return { exitCode, all };
    },
  };
}
