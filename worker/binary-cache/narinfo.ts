// What a binary cache says of one store path: a `.narinfo` file, in lines of `Name: value`.
import { storePathSchema, type StorePath } from '#core/store-path.ts';

export interface Narinfo {
  readonly path: StorePath;
  /** Bytes of the path's NAR. */
  readonly narSize: number;
  /** Bytes of the NAR as the cache has it, compressed. Some caches do not say. */
  readonly fileSize?: number;
  /** Without the path itself. */
  readonly references: readonly StorePath[];
}

/** The name of the file that tells of a path: `<hash>.narinfo`, in the cache's root. */
export function narinfoName(path: StorePath): string {
  return `${path.slice(STORE.length, STORE.length + 32)}.narinfo`;
}

const STORE = '/nix/store/';

/** Undefined where the text does not tell what is needed of this very path. */
export function parseNarinfo(text: string, path: StorePath): Narinfo | undefined {
  const fields = new Map(
    text.split('\n').flatMap(line => {
      const { name, value } = /^(?<name>\w+): (?<value>.*)$/.exec(line)?.groups ?? {};
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
  const narSize = sizeOf(fields.get('NarSize'));
  const fileSize = sizeOf(fields.get('FileSize'));
  const written = fields.get('References');
  if (fields.get('StorePath') !== path || narSize === undefined || written === undefined) return undefined;
  const references: StorePath[] = [];
  for (const name of written.split(' ').filter(one => one !== '')) {
    const parsed = storePathSchema.safeParse(STORE + name);
    if (!parsed.success) return undefined;
    if (parsed.data !== path) references.push(parsed.data);
  }
  return { path, narSize, ...(fileSize !== undefined && fileSize > 0 && { fileSize }), references };
}

function sizeOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
