// A Docker engine of the test's own: its data, socket and containers are apart from any other on the machine.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

export interface DockerEngine extends AsyncDisposable {
  /** Runs `docker` with these arguments; resolves with any exit code. Output of both streams is in `all`. */
  docker(...args: string[]): Promise<{ readonly exitCode: number | undefined; readonly all: string }>;
  /** The same for a person of their own, whose logins are kept in this folder. */
  dockerOf(configFolder: string, ...args: string[]): ReturnType<DockerEngine['docker']>;
}

/** How long a daemon may take to answer its first command. Milliseconds. */
const START_LIMIT_MS = 60_000;

/** Starts dockerd without networks, which pulling does not need and containers here must not have. Needs root. */
export async function startDockerEngine(): Promise<DockerEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'derivery-docker-'));
  const host = `unix://${folder}/docker.sock`;
  const daemon = execa(
    'dockerd',
    [
      `--data-root=${folder}/data`,
      `--exec-root=${folder}/exec`,
      `--pidfile=${folder}/dockerd.pid`,
      `--host=${host}`,
      '--iptables=false',
      '--ip6tables=false',
      '--bridge=none',
      '--storage-driver=overlay2',
    ],
    { reject: false, all: true, stdin: 'ignore', forceKillAfterDelay: 10_000 },
  );
  const dockerOf: DockerEngine['dockerOf'] = async (configFolder, ...args) => {
    const env = { DOCKER_CONFIG: configFolder };
    const { exitCode, all } = await execa('docker', ['--host', host, ...args], {
      reject: false,
      all: true,
      env,
    });
    return { exitCode, all };
  };
  const docker: DockerEngine['docker'] = (...args) => dockerOf(folder, ...args);

  const limit = AbortSignal.timeout(START_LIMIT_MS);
  while ((await docker('version')).exitCode !== 0) {
    if (daemon.nodeChildProcess.exitCode !== null || limit.aborted) {
      daemon.kill();
      throw new Error(`dockerd did not start: ${(await daemon).all.slice(-2000)}`);
    }
    // The daemon says nowhere when it is ready: it is asked.
    await sleep(100);
  }

  return {
    docker,
    dockerOf,
    async [Symbol.asyncDispose]() {
      if (daemon.nodeChildProcess.exitCode === null) {
        daemon.kill('SIGTERM');
        await daemon;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
