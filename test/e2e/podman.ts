// Podman with images and containers of the test's own, and buildah on the same images.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

interface Ended {
  readonly exitCode: number | undefined;
  /** Output of both streams. */
  readonly all: string;
}

export interface Podman extends AsyncDisposable {
  /** Runs `podman` with these arguments; resolves with any exit code. */
  podman(...args: string[]): Promise<Ended>;
  /** Runs `buildah`, which sees podman's images. */
  buildah(...args: string[]): Promise<Ended>;
}

/** What podman would take as limits on files and processes is more than a machine may have to give. */
export const MODEST_LIMITS = ['--ulimit=nofile=1024:1024', '--ulimit=nproc=1024:1024'];

/** Podman asks for no daemon: neither systemd for cgroups nor a journal for events. Needs root. */
export async function openPodman(): Promise<Podman> {
  const folder = await mkdtemp(join(tmpdir(), 'derivery-podman-'));
  const storage = [
    '--root',
    join(folder, 'root'),
    '--runroot',
    join(folder, 'run'),
    '--storage-driver=overlay',
  ];
  async function run(command: string, args: readonly string[]): Promise<Ended> {
    const { exitCode, all } = await execa(command, [...storage, ...args], {
      reject: false,
      all: true,
      stdin: 'ignore',
    });
    return { exitCode, all };
  }
  return {
    podman: (...args) => run('podman', ['--cgroup-manager=cgroupfs', '--events-backend=none', ...args]),
    buildah: (...args) => run('buildah', args),
    async [Symbol.asyncDispose]() {
      // Mounted on itself, and left so by a pull that failed.
      await execa('umount', [join(folder, 'root/overlay')], { reject: false });
      await rm(folder, { recursive: true, force: true });
    },
  };
}
