// A small registry client for checks that no container tool makes: exact bytes, headers, every blob.
import { createHash } from 'node:crypto';
import { z } from 'zod';

const descriptor = z.object({ mediaType: z.string(), digest: z.string(), size: z.number() });
const manifestSchema = z.object({
  config: descriptor,
  layers: z.array(descriptor),
  annotations: z.record(z.string(), z.string()),
});

const indexSchema = z.object({
  manifests: z.array(descriptor.extend({ platform: z.object({ architecture: z.string(), os: z.string() }) })),
  annotations: z.record(z.string(), z.string()),
});

export type PulledIndex = z.infer<typeof indexSchema> & { readonly digest: string };

export type PulledManifest = z.infer<typeof manifestSchema> & { readonly digest: string };

/**
 * Each request has a connection of its own: where a server closes an idle one at the moment of the next request, container
 * tools send that again, and fetch does not.
 */
const ALONE = { connection: 'close' };

interface PullOptions {
  readonly reference?: string;
  /** Told what each hop says of the build. */
  readonly onPhase?: (phase: string) => void;
}

/**
 * Pulls a manifest, through however many redirects and repeated pulls a build takes. Throws with the answer's text where
 * there is no image.
 */
export async function pullManifest(
  registry: string,
  name: string,
  options?: PullOptions,
): Promise<PulledManifest> {
  const bytes = await pull(registry, name, options);
  return { ...manifestSchema.parse(JSON.parse(bytes.toString())), digest: sha256(bytes) };
}

/** As {@link pullManifest}, of what is an index. */
export async function pullIndex(registry: string, name: string, options?: PullOptions): Promise<PulledIndex> {
  const bytes = await pull(registry, name, options);
  return { ...indexSchema.parse(JSON.parse(bytes.toString())), digest: sha256(bytes) };
}

async function pull(
  registry: string,
  name: string,
  { reference = 'latest', onPhase }: PullOptions = {},
): Promise<Buffer> {
  const first = `http://${registry}/v2/${name}/manifests/${reference}`;
  for (let address = first; ;) {
    const response = await fetch(address, { redirect: 'manual', headers: ALONE });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.ok) return bytes;
    if (response.status !== 307 && response.status !== 429)
      throw new Error(`${response.status}: ${bytes.toString()}`);
    onPhase?.(response.headers.get('warning') ?? '');
    // 429 asks for the same pull again; a redirect says where to go on.
    address = new URL(response.headers.get('location') ?? first, first).href;
  }
}

/** Fetches every blob that a manifest names, and checks size and content. Answers how many there were. */
export async function checkBlobs(registry: string, name: string, manifest: PulledManifest): Promise<number> {
  const blobs = [manifest.config, ...manifest.layers];
  for (const { digest, size } of blobs) {
    const response = await fetch(`http://${registry}/v2/${name}/blobs/${digest}`, { headers: ALONE });
    if (!response.ok) throw new Error(`blob ${digest}: ${response.status} ${await response.text()}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (bytes.length !== size || sha256(bytes) !== digest) throw new Error(`blob ${digest} has other bytes`);
  }
  return blobs.length;
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
