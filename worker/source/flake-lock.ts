// What a flake's lock pins has to be had without the worker's credentials, and not be the worker's own.
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PermanentError } from '#core/errors.ts';

/** In bytes: the lock of a thousand inputs has less. */
const SIZE_LIMIT = 4_000_000;

/** Of a lock file (flake.lock of "nix flake", versions 5 to 7) only where its inputs come from. */
const lockSchema = z.object({
  nodes: z.record(
    z.string(),
    z.object({
      locked: z.looseObject({ type: z.string(), url: z.string().optional() }).optional(),
    }),
  ),
});

/** Inputs that are had from a forge's web server. */
const FORGES = new Set(['github', 'gitlab', 'sourcehut']);

/** Inputs that are had from their `url`. */
const ADDRESSED = new Set(['git', 'hg', 'tarball', 'file']);

/** Throws a {@link PermanentError} where the flake in `folder` locks an input to anything but what the web has. */
export async function requireInputsOfTheWeb(reference: string, folder: string): Promise<void> {
  const path = join(folder, 'flake.lock');
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return;
  // A link could lead anywhere on this machine.
  if (!found.isFile() || found.size > SIZE_LIMIT) throw refusal(reference, 'its flake.lock is no lock file');
  const { nodes } = parse(reference, await readFile(path, 'utf8'));
  for (const [name, { locked }] of Object.entries(nodes)) {
    const reason = locked && objection(locked.type, locked.url);
    if (reason !== undefined) throw refusal(reference, `its input "${name}" ${reason}`);
  }
}

function parse(reference: string, text: string): z.infer<typeof lockSchema> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw refusal(reference, 'its flake.lock is no JSON');
  }
  const { success, data } = lockSchema.safeParse(content);
  if (!success) throw refusal(reference, 'its flake.lock is no lock file');
  return data;
}

function objection(type: string, url: string | undefined): string | undefined {
  if (FORGES.has(type)) return undefined;
  if (type === 'path') return 'is a folder of a machine: what a flake locks has to be on the web';
  if (!ADDRESSED.has(type)) return `is of the type "${type}", which is not supported`;
  if (url !== undefined && /^https?:\/\//i.test(url)) return undefined;
  return `is at ${withoutLogin(url ?? 'no address')}: what a flake locks is fetched by HTTP or HTTPS only, without the worker's credentials`;
}

function withoutLogin(url: string): string {
  return url.slice(0, 200).replace(/:\/\/[^/]*@/, '://');
}

function refusal(reference: string, problem: string): PermanentError {
  return new PermanentError({
    kind: 'unknown_source',
    message: `${reference} cannot be a source: ${problem}`,
  });
}
