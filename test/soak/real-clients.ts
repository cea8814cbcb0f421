// Pulls by container tools that are installed. What a fault cuts short is tried again, as a person would.
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import pLimit from 'p-limit';
import { z } from 'zod';
import { openPodman, type Podman } from '#test/e2e/podman.ts';
import type { PullOutcome, PullRecord } from './history.ts';
import { PATIENCE_MS } from './pull.ts';

export interface RealClient {
  readonly name: Exclude<PullRecord['client'], 'node'>;
  /** One pull, tried again until there is an image or a reason why there is none. */
  pull(registry: string, name: string, tag: string): Promise<PullOutcome>;
}

export interface RealClients extends AsyncDisposable {
  readonly all: readonly RealClient[];
}

/** What a tool says where there is no such image, as opposed to where a connection broke. */
const REFUSED = /manifest unknown|is not in the package set|says why|has been taken out/i;

const manifestSchema = z.object({ annotations: z.record(z.string(), z.string()) });
const REVISION = 'org.opencontainers.image.revision';

/** Those of the tools that this machine has, with folders of the soak's own. */
export async function openRealClients(folder: string): Promise<RealClients> {
  const all: RealClient[] = [];
  let podman: Podman | undefined;
  if (await isInstalled('skopeo')) all.push({ name: 'skopeo', pull: skopeoIn(folder) });
  if (process.getuid?.() === 0 && (await isInstalled('podman'))) {
    podman = await openPodman();
    all.push({ name: 'podman', pull: podmanPull(podman) });
  }
  return { all, [Symbol.asyncDispose]: async () => podman?.[Symbol.asyncDispose]() };
}

async function isInstalled(tool: string): Promise<boolean> {
  return (await execa(tool, ['--version'], { reject: false })).exitCode === 0;
}

function skopeoIn(folder: string): RealClient['pull'] {
  let copies = 0;
  return async (registry, name, tag) => {
    const to = join(folder, `skopeo-${copies++}`);
    try {
      return await untilEnded(async () => {
        await rm(to, { recursive: true, force: true });
        const args = ['copy', '--src-tls-verify=false', `docker://${registry}/${name}:${tag}`, `dir:${to}`];
        const { exitCode, all } = await execa('skopeo', args, { reject: false, all: true, stdin: 'ignore' });
        if (exitCode !== 0) return all;
        // It has compared the digests of all that it took; what it leaves is the manifest as it came.
        return imageOf(await readFile(join(to, 'manifest.json')));
      });
    } finally {
      await rm(to, { recursive: true, force: true });
    }
  };
}

function podmanPull(tool: Podman): RealClient['pull'] {
  // Names can mean the same image, and who has looked at it removes it from the storage that all pulls share.
  const oneAtATime = pLimit(1);
  return (registry, name, tag) => untilEnded(() => oneAtATime(pull, registry, name, tag));

  async function pull(registry: string, name: string, tag: string): Promise<PullOutcome | string> {
    const image = `${registry}/${name}:${tag}`;
    const { exitCode, all } = await tool.podman('pull', '--quiet', '--tls-verify=false', image);
    if (exitCode !== 0) return all;
    const id = all.trim().split('\n').at(-1) ?? '';
    const digest = await tool.podman('image', 'inspect', '--format', '{{.Digest}}', id);
    const labels = await tool.podman('image', 'inspect', '--format', `{{index .Labels "${REVISION}"}}`, id);
    await tool.podman('image', 'rm', '--force', id);
    return { kind: 'image', digest: digest.all.trim(), revision: labels.all.trim() };
  }
}

function imageOf(manifest: Buffer): PullOutcome {
  const { annotations } = manifestSchema.parse(JSON.parse(manifest.toString()));
  const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
  return { kind: 'image', digest, revision: annotations[REVISION] ?? '' };
}

/** Runs a tool until it has an image, or says that there is none; `run` answers what it printed where it failed. */
async function untilEnded(run: () => Promise<PullOutcome | string>): Promise<PullOutcome> {
  for (const until = Date.now() + PATIENCE_MS; ;) {
    const ended = await run();
    if (typeof ended !== 'string') return ended;
    // Some of them put what the registry says into quotes of their own.
    if (REFUSED.test(ended)) return { kind: 'refused', status: 0, message: ended.replaceAll('\\"', '"') };
    if (Date.now() > until) return { kind: 'unfinished', why: ended };
    await pause(1_000);
  }
}
