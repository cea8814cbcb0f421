// An image as a container would see it: pulled by skopeo, its layers unpacked one over the other.
import { lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';

const descriptorSchema = z.object({ digest: z.templateLiteral(['sha256:', z.string()]) });
const manifestSchema = z.object({
  config: descriptorSchema,
  layers: z.array(descriptorSchema),
  annotations: z.record(z.string(), z.string()),
});
const configSchema = z.object({
  created: z.string(),
  architecture: z.enum(['amd64', 'arm64']),
  os: z.string(),
  config: z.object({
    User: z.string().optional(),
    Env: z.array(z.string()),
    Cmd: z.array(z.string()).optional(),
    WorkingDir: z.string(),
    Labels: z.record(z.string(), z.string()),
  }),
  history: z.array(z.object({ created: z.string(), created_by: z.string() })),
});

/** Something in the image's root file system. */
export interface RootEntry {
  /** Without a slash at its start. */
  readonly path: string;
  readonly kind: 'directory' | 'link' | 'file';
  /** Permission bits. */
  readonly mode: number;
  /** `UID:GID`. */
  readonly owner: string;
}

export class UnpackedImage {
  readonly manifest: z.infer<typeof manifestSchema>;
  readonly config: z.infer<typeof configSchema>;
  /** For each layer, in order, the names in its tar. */
  readonly layers: readonly (readonly string[])[];
  /** All but the root folder itself. */
  readonly entries: readonly RootEntry[];
  readonly #root: string;

  private constructor(
    parts: Pick<UnpackedImage, 'manifest' | 'config' | 'layers' | 'entries'>,
    root: string,
  ) {
    this.manifest = parts.manifest;
    this.config = parts.config;
    this.layers = parts.layers;
    this.entries = parts.entries;
    this.#root = root;
  }

  /** Pulls `name` into a new folder. Needs root, for owners and modes to be those of the image. */
  static async pull(registry: string, name: string, folder: string): Promise<UnpackedImage> {
    const blobs = join(folder, 'blobs');
    const root = join(folder, 'root');
    await mkdir(root, { recursive: true });
    await execa('skopeo', ['copy', '--src-tls-verify=false', `docker://${registry}/${name}`, `dir:${blobs}`]);
    const blob = ({ digest }: { digest: string }): string => join(blobs, digest.replace('sha256:', ''));
    const manifest = manifestSchema.parse(await readJson(join(blobs, 'manifest.json')));
    const config = configSchema.parse(await readJson(blob(manifest.config)));
    const layers: string[][] = [];
    for (const layer of manifest.layers) {
      const unpack = ['-xpvf', blob(layer), '--numeric-owner', '--same-owner', '-C', root];
      layers.push((await execa('tar', unpack)).stdout.split('\n'));
    }
    return new UnpackedImage({ manifest, config, layers, entries: await list(root) }, root);
  }

  /** What is at a path, links not followed; undefined for nothing. */
  at(path: string): RootEntry | undefined {
    return this.entries.find(entry => entry.path === path);
  }

  /** The bytes of a file, links followed as a container would. */
  read(path: string): Buffer {
    const end = this.follow(path);
    if (end === undefined) throw new Error(`${path} is not in the image`);
    return readFileSync(join(this.#root, end));
  }

  /** Where a path leads to when all links are followed within the image; undefined where that is nowhere. */
  follow(path: string): string | undefined {
    const waiting = path.split('/').reverse();
    let trail: string[] = [];
    for (let links = 0, name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        trail.pop();
        continue;
      }
      const place = join(this.#root, ...trail, name);
      const found: Stats | undefined = lstatSync(place, { throwIfNoEntry: false });
      if (found === undefined || links > 40) return undefined;
      if (!found.isSymbolicLink()) {
        trail.push(name);
        continue;
      }
      links += 1;
      const target = readlinkSync(place);
      if (target.startsWith('/')) trail = [];
      waiting.push(...target.split('/').reverse());
    }
    return trail.join('/');
  }
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}

const KINDS: Readonly<Record<string, RootEntry['kind']>> = { d: 'directory', l: 'link', f: 'file' };

async function list(root: string): Promise<RootEntry[]> {
  const { stdout } = await execa('find', [root, '-mindepth', '1', '-printf', '%y %m %U:%G %P\\n']);
  return stdout.split('\n').map(line => {
    const [type = '', mode = '', owner = '', ...path] = line.split(' ');
    const kind = KINDS[type];
    if (kind === undefined) throw new Error(`an image has no such thing: ${line}`);
    return { kind, mode: Number.parseInt(mode, 8), owner, path: path.join(' ') };
  });
}
