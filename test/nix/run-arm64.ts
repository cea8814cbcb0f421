// Runs programs for 64-bit ARM on whatever machine, in a folder that is their whole file system.
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { findCommand, thisMachine } from '#local/machine.ts';

/** Static, so that it runs where there is nothing else (qemu-user-static). */
const EMULATOR = 'qemu-aarch64-static';

/**
 * What a program prints, which lies in the folder `root` under its absolute path. It is run by chroot under an emulator
 * that is copied there; nothing is mounted and nothing registered, so it cannot start other programs for ARM. Throws with
 * its output where it fails.
 */
export async function runArm64(root: string, program: string, ...args: readonly string[]): Promise<string> {
  const emulator = await findCommand(EMULATOR, await thisMachine());
  if (emulator === undefined) throw new Error(`${EMULATOR} is not installed`);
  await copyFile(emulator, join(root, EMULATOR));
  const chroot = ['--user', '--map-root-user', '--', 'chroot', root, `/${EMULATOR}`, program, ...args];
  const { all, failed, exitCode } = await execa('unshare', chroot, {
    env: { PATH: process.env['PATH'], HOME: '/' },
    extendEnv: false,
    all: true,
    stdin: 'ignore',
    timeout: 60_000,
    reject: false,
  });
  if (failed) throw new Error(`${program}: exit code ${exitCode}: ${all}`);
  return all;
}
