// A pull by a client that keeps to the letter of docs/pulling.md: it follows redirects, comes again when it is asked to,
// fetches what broke off from where it broke off, and checks all that comes.
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { MEDIA_TYPES } from '#core/oci.ts';
import type { History, PullOutcome } from './history.ts';
import { linesOf } from './lines.ts';
import { send, type Answered, type Asked } from './requests.ts';

export interface PullRequest {
  readonly pull: number;
  readonly name: string;
  /** A tag or a digest. */
  readonly reference: string;
  /** Whether all layers are fetched and looked into. */
  readonly whole: boolean;
}

/** No client goes on for longer: on a machine that does much else, builds take as many times as long. Milliseconds. */
export const PATIENCE_MS = 900_000;

/** How long a client that met an error waits before it tries again. Milliseconds. */
const AGAIN_MS = 700;

const descriptor = z.object({ mediaType: z.string(), digest: z.string(), size: z.number() });
const manifestSchema = z.object({
  config: descriptor,
  layers: z.array(descriptor),
  annotations: z.record(z.string(), z.string()),
});
const annotatedSchema = manifestSchema.pick({ annotations: true });
const indexSchema = z.object({
  manifests: z.array(descriptor.extend({ platform: z.object({ architecture: z.string() }) })),
  annotations: z.record(z.string(), z.string()),
});
const configSchema = z.object({ rootfs: z.object({ diff_ids: z.array(z.string()) }) });

const REVISION = 'org.opencontainers.image.revision';

/** What ends a pull early. */
class Ended extends Error {
  readonly outcome: PullOutcome;
  constructor(outcome: PullOutcome) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}

/** What a manifest named is not there (any more): the pull begins anew. */
class Vanished extends Error {}

interface Manifest {
  readonly digest: string;
  readonly bytes: Buffer;
  readonly mediaType: string;
  /** When it was answered. */
  readonly at: number;
}

export async function pullImage(
  registry: string,
  history: History,
  request: PullRequest,
): Promise<PullOutcome> {
  const { pull, name, reference, whole } = request;
  const until = Date.now() + PATIENCE_MS;
  const base = `http://${registry}/v2/${name}`;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof Ended) return error.outcome;
      if (!(error instanceof Vanished)) throw error;
      await again(error.message);
    }
  }

  async function attempt(): Promise<PullOutcome> {
    const manifest = await fetchManifest(reference);
    const { digest } = manifest;
    const isIndex = manifest.mediaType === MEDIA_TYPES.index;
    const { annotations } = parse(annotatedSchema, manifest.bytes);
    const revision = annotations[REVISION] ?? '';
    const contents = isIndex ? await checkIndex(manifest) : await checkImage(manifest, 'amd64');
    return { kind: 'image', digest, revision, ...(whole && { contents }) };
  }

  async function checkIndex(index: Manifest): Promise<Record<string, string>> {
    const contents = {};
    for (const { digest, platform } of parse(indexSchema, index.bytes).manifests) {
      Object.assign(contents, await checkImage(await fetchManifest(digest), platform.architecture));
    }
    return contents;
  }

  async function checkImage(manifest: Manifest, architecture: string): Promise<Record<string, string>> {
    const { config, layers } = parse(manifestSchema, manifest.bytes);
    const { diff_ids: diffIds } = parse(configSchema, await fetchBlob(config, manifest.at)).rootfs;
    require(diffIds.length === layers.length, `${layers.length} layers have ${diffIds.length} diff ids`);
    const contents: Record<string, string> = {};
    for (const [index, layer] of layers.entries()) {
      if (!whole) {
        await look(layer, manifest.at);
        continue;
      }
      const { diffId, lines } = await linesOf(await fetchBlob(layer, manifest.at));
      require(diffId === diffIds[index], `layer ${layer.digest} has another diff id than its config says`);
      for (const [of, line] of Object.entries(lines)) contents[`${architecture}/${of}`] = line;
    }
    return contents;
  }

  async function fetchManifest(of: string): Promise<Manifest> {
    const first = `${base}/manifests/${of}`;
    const headers = { accept: `${MEDIA_TYPES.manifest}, ${MEDIA_TYPES.index}` };
    for (let address = first; ;) {
      const answer = await ask({ to: 'registry', what: 'manifest', address, headers });
      const { status, body, isWhole } = answer;
      const { location, 'retry-after': retryAfter, 'content-type': mediaType = '' } = answer.headers;
      if (!isWhole || status === 503) {
        await again(isWhole ? body.toString() : 'no answer');
        address = first;
      } else if (status === 307 && location !== undefined) {
        address = new URL(location, address).href;
      } else if (status === 429) {
        await again(body.toString(), Number(retryAfter ?? 1) * 1000);
        address = first;
      } else if (status === 200) {
        const digest = sha256(body);
        const said = String(answer.headers['docker-content-digest']);
        require(said === digest, `a manifest is said to be ${said}, and is ${digest}`);
        require(!of.startsWith('sha256:') || of === digest, `asked for ${of}, answered ${digest}`);
        return { digest, bytes: body, mediaType, at: Date.now() };
      } else if (of.startsWith('sha256:') && status === 404) {
        if (of === reference) throw new Ended({ kind: 'forgotten' });
        throw new Vanished(`${of}, which an index names`);
      } else {
        throw new Ended({ kind: 'refused', status, message: messageOf(body) });
      }
    }
  }

  /** A blob of the registry: where it is, without its bytes. */
  async function look({ digest, size }: z.infer<typeof descriptor>, namedAt: number): Promise<void> {
    const address = `${base}/blobs/${digest}`;
    for (;;) {
      const answer = await ask({ to: 'registry', what: 'blob', address, method: 'HEAD', namedAt });
      if (answer.isWhole && answer.status === 404) throw new Vanished(digest);
      if (answer.isWhole && answer.status === 200) {
        const length = Number(answer.headers['content-length']);
        return require(length === size, `${digest} has ${length} bytes, and ${size} in its manifest`);
      }
      await again(`HEAD of ${digest}: ${answer.status}`);
    }
  }

  async function fetchBlob({ digest, size }: z.infer<typeof descriptor>, namedAt: number): Promise<Buffer> {
    let address = `${base}/blobs/${digest}`;
    let bytes = Buffer.alloc(0);
    while (bytes.length < size) {
      const sent = await ask({ to: 'registry', what: 'blob', address, namedAt });
      if (sent.isWhole && sent.status === 404) throw new Vanished(digest);
      const { location } = sent.headers;
      if (!sent.isWhole || sent.status !== 307 || location === undefined) {
        await again(`GET of ${digest}: ${sent.status}`);
        continue;
      }
      const next = new URL(location, address);
      if (next.host === registry) {
        // An instance that ends sends on whatever it is asked.
        address = next.href;
        continue;
      }
      const from = bytes.length;
      const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
      const answer = await ask({ to: 'storage', what: 'blob', address: next.href, headers, namedAt });
      if (answer.isWhole && answer.status === 404) throw new Vanished(digest);
      if (answer.status === 200 || answer.status === 206) {
        bytes = Buffer.concat([answer.status === 206 ? bytes : Buffer.alloc(0), answer.body]);
      }
      if (bytes.length < size) await again(`${digest} from ${from}: ${answer.status}`);
    }
    require(sha256(bytes) === digest, `blob ${digest} has other bytes`);
    return bytes;
  }

  function ask(asked: Omit<Asked, 'pull'>): Promise<Answered> {
    return send(history, { pull, ...asked });
  }

  /** Waits before the next try, as long as there is to be one. */
  async function again(why: string, ms = AGAIN_MS): Promise<void> {
    if (Date.now() > until) throw new Ended({ kind: 'unfinished', why });
    await pause(ms);
  }
}

function require(holds: boolean, why: string): void {
  if (!holds) throw new Ended({ kind: 'wrong', why });
}

function parse<T>(schema: z.ZodType<T>, bytes: Buffer): T {
  const parsed = schema.safeParse(JSON.parse(bytes.toString()));
  if (!parsed.success) throw new Ended({ kind: 'wrong', why: parsed.error.message });
  return parsed.data;
}

/** What the specification's error document says. */
function messageOf(body: Buffer): string {
  try {
    const { errors } = z
      .object({ errors: z.array(z.object({ message: z.string() })) })
      .parse(JSON.parse(body.toString()));
    return errors.map(({ message }) => message).join('\n');
  } catch {
    return body.toString();
  }
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
