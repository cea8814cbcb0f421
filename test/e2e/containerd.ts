// A containerd of the test's own, and `ctr` on it: its images, state and socket are apart from any other on the machine.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

export interface Containerd extends AsyncDisposable {
  /** Runs `ctr` with these arguments; resolves with any exit code. Output of both streams is in `all`. */
  ctr(...args: string[]): Promise<{ readonly exitCode: number | undefined; readonly all: string }>;
}

/** How long a daemon may take to answer its first command. Milliseconds. */
const START_LIMIT_MS = 60_000;

/** Needs root. */
export async function startContainerd(): Promise<Containerd> {
  const folder = await mkdtemp(join(tmpdir(), 'derivery-containerd-'));
  const address = join(folder, 'socket');
  const config = join(folder, 'config.toml');
  // Kubernetes' part would want the machine's networks.
  await writeFile(config, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
  const daemon = execa(
    'containerd',
    [`--config=${config}`, `--root=${folder}/root`, `--state=${folder}/state`, `--address=${address}`],
    { reject: false, all: true, stdin: 'ignore', forceKillAfterDelay: 10_000 },
  );
  const ctr: Containerd['ctr'] = async (...args) => {
    const { exitCode, all } = await execa('ctr', ['--address', address, ...args], {
      reject: false,
      all: true,
    });
    return { exitCode, all };
  };

  const limit = AbortSignal.timeout(START_LIMIT_MS);
  while ((await ctr('version')).exitCode !== 0) {
    if (daemon.nodeChildProcess.exitCode !== null || limit.aborted) {
      daemon.kill();
      throw new Error(`containerd did not start: ${(await daemon).all.slice(-2000)}`);
    }
    // It says nowhere when it is ready: it is asked.
    await sleep(100);
  }

  return {
    ctr,
    async [Symbol.asyncDispose]() {
      daemon.kill('SIGTERM');
      await daemon;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
