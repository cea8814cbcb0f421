// Runs a program with nothing around it but its closure.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { closure } from '#worker/nix/closure.ts';
import type { DebianSet } from '#test/nix/debian-set.ts';
import type { FoundItem } from '#worker/nix/resolve.ts';

/**
 * In namespaces of its own, so that root is not needed and nothing stays mounted: $1 is an empty folder, $2 the folder
 * of the store, $3 the shell, $4 the number of store paths of the closure; then come these, and the program with its
 * arguments. The shell is at /bin/sh, as in every image that has one: tar and git call it by that name.
 */
const IN_ROOT = `
  set -eu
  root=$1 store=$2 shell=$3 count=$4
  shift 4
  mount -t tmpfs none "$root"
  mkdir "$root/nix" "$root/nix/store" "$root/bin" "$root/dev" "$root/proc" "$root/tmp"
  while [ "$count" -gt 0 ]; do
    mkdir "$root$1"
    mount --bind "$store$1" "$root$1"
    count=$((count - 1))
    shift
  done
  ln -s "$shell" "$root/bin/sh"
  mount --rbind /dev "$root/dev"
  mount -t proc none "$root/proc"
  exec chroot "$root" "$@"
`;

/** Runs a shell script, with bash, whose PATH are the programs of `items`. Throws with its output where it fails. */
export async function runInClosure(
  set: DebianSet,
  items: readonly FoundItem[],
  bash: FoundItem,
  script: string,
): Promise<string> {
  const paths = [...items, bash].map(({ path }) => path);
  const nodes = await closure(set.nix, paths, { signal: AbortSignal.timeout(60_000) });
  const root = await mkdtemp(join(tmpdir(), 'derivery-root-'));
  const namespaces = ['--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child=KILL'];
  const PATH = [...new Set(paths)].map(path => `${path}/bin`).join(':');
  const shell = `${bash.path}/bin/sh`;
  const setting = [root, set.store, shell, String(nodes.length), ...nodes.map(({ path }) => path)];
  const program = [shell, '-euc', `cd /tmp; ${script}`];
  try {
    const command = [...namespaces, '--', '/bin/sh', '-c', IN_ROOT, 'sh', ...setting, ...program];
    const { all, failed, exitCode } = await execa('unshare', command, {
      env: { PATH: `${PATH}:${process.env['PATH'] ?? ''}`, HOME: '/tmp' },
      extendEnv: false,
      all: true,
      stdin: 'ignore',
      timeout: 60_000,
      reject: false,
    });
    if (failed) throw new Error(`exit code ${exitCode}: ${all}`);
    return all;
  } finally {
    await rm(root, { recursive: true });
  }
}
