// What was found out of packages at a revision, kept on the disk beside the store that has them: a new combination of known
// packages needs no Nix.
import { createHash, randomUUID } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Closure, ClosureNode } from '#core/closure.ts';
import type { ImportArguments } from '#core/image-settings.ts';
import { formatPackageSource, type PackageSource } from '#core/package-source.ts';
import { storePathSchema, type StorePath } from '#core/store-path.ts';
import type { Log } from '#core/google/log.ts';
import type { BuildRoots } from './collection/build-roots.ts';
import type { RecentPaths } from './collection/recent-paths.ts';
import { isSystemError } from './is-system-error.ts';
import { isBeingDeleted } from './nix/deletion.ts';
import type { FoundItem } from './nix/resolve.ts';

/** All that the meaning of a name follows from. */
export interface Naming {
  readonly source: PackageSource;
  readonly revision: string;
  /** Nix's name of what packages are for. */
  readonly system: string;
  readonly importArguments: ImportArguments;
}

/** Packages that are in the store, and all that they need. */
export interface Contents {
  readonly items: readonly FoundItem[];
  /** The closure of the items. */
  readonly nodes: Closure;
}

export interface KnownPackagesParts {
  readonly folder: string;
  /** Where a store path lies on this machine. Facts of one store are not another's. */
  readonly realPath: (path: StorePath) => string;
  /** Keeps the packages in the store for as long as they are used now and then. */
  readonly recent: RecentPaths;
  readonly log: Log;
}

export interface KnownPackages {
  /**
   * The packages of these names, kept by `roots` from now on, if all are known and still in the store, as they were; else
   * undefined.
   */
  recall(
    naming: Naming,
    names: readonly string[],
    roots: BuildRoots,
    signal: AbortSignal,
  ): Promise<Contents | undefined>;
  /**
   * Notes what these names were found to be, while a build keeps that in the store. A name without an item is none that the
   * package set has. What cannot be written is logged: it will be found out again.
   */
  remember(naming: Naming, names: readonly string[], contents: Contents, signal: AbortSignal): Promise<void>;
}

/** Where every image is made by Nix, whatever was found before: an audit. */
export const NOTHING_KNOWN: KnownPackages = {
  recall: async () => undefined,
  remember: async () => {},
};

/** Goes up when the resolver or what is kept changes: older facts are not looked at again. */
const VERSION = 1;

/** Revisions whose facts are kept, those used last: facts do not outlive the use of their revision. */
const REVISIONS = 32;

const itemSchema = z.object({
  kind: z.literal('found'),
  name: z.string(),
  attribute: z.string(),
  drv: z.string(),
  output: z.string(),
  path: storePathSchema,
  pname: z.string().nullable(),
  mainProgram: z.string().nullable(),
  priority: z.number(),
});

const nodeSchema = z.object({
  path: storePathSchema,
  narHash: z.string(),
  narSize: z.number(),
  references: z.array(storePathSchema),
  /** When the path came into the store: one that was collected and made again is another, with another hash perhaps. */
  bornAt: z.number(),
});

const factSchema = z.object({
  name: z.string(),
  /** Null: the package set has none of that name. */
  item: itemSchema.nullable(),
  closure: z.array(nodeSchema),
});

type Fact = z.infer<typeof factSchema>;

const wholeFactSchema = factSchema.refine(isWhole, 'the closure lacks some of what it is the closure of');

export function openKnownPackages({ folder, realPath, recent, log }: KnownPackagesParts): KnownPackages {
  const store = realPath(storePathSchema.parse(`/nix/store/${'0'.repeat(32)}-store`));

  function folderOf({ source, revision, system, importArguments }: Naming): string {
    return join(
      folder,
      hash([VERSION, store, formatPackageSource(source), revision, system, importArguments]),
    );
  }

  /** Birth of a path, in milliseconds; undefined where it is not in the store, or will not be for long. */
  function bornAt(path: StorePath): number | undefined {
    const stats = lstatSync(realPath(path), { throwIfNoEntry: false });
    return stats === undefined || isBeingDeleted(stats) ? undefined : stats.birthtimeMs;
  }

  async function read(place: string, name: string): Promise<Fact | undefined> {
    try {
      const fact = wholeFactSchema.parse(JSON.parse(await readFile(fileOf(place, name), 'utf8')));
      return fact.name === name ? fact : undefined;
    } catch (error) {
      if (!(isSystemError(error) && error.code === 'ENOENT')) {
        log.warn({ error, package: name }, 'what is known of a package cannot be read; Nix is asked');
      }
      return undefined;
    }
  }

  async function write(place: string, fact: Fact): Promise<void> {
    const next = join(place, `${randomUUID()}.next`);
    try {
      await writeFile(next, JSON.stringify(fact));
      await rename(next, fileOf(place, fact.name));
    } catch (error) {
      await rm(next, { force: true });
      throw error;
    }
  }

  return {
    async recall(naming, names, roots, signal) {
      const place = folderOf(naming);
      const facts = await Promise.all(names.map(name => read(place, name)));
      const paths = facts.flatMap(fact => fact?.item?.path ?? []);
      if (facts.includes(undefined)) return undefined;
      // Kept by the build first: what was kept until then is kept from then on.
      if (!(await roots.keep(paths, signal)) || !(await recent.touch(paths))) return undefined;
      const nodes = new Map<StorePath, ClosureNode>();
      const items: FoundItem[] = [];
      for (const fact of facts) {
        if (fact === undefined) return undefined;
        for (const { bornAt: then, ...node } of fact.closure) {
          if (nodes.has(node.path)) continue;
          if (bornAt(node.path) !== then) return undefined;
          nodes.set(node.path, node);
        }
        if (fact.item !== null) items.push(fact.item);
      }
      await touch(place);
      return { items, nodes: [...nodes.values()] };
    },

    async remember(naming, names, { items, nodes }, signal) {
      const nodeOf = new Map(nodes.map(node => [node.path, node]));
      const itemOf = new Map(items.map(item => [item.name, item]));
      try {
        const place = folderOf(naming);
        await recent.add(
          items.map(({ path }) => path),
          signal,
        );
        await mkdir(place, { recursive: true, mode: 0o700 });
        for (const name of names) {
          const item = itemOf.get(name) ?? null;
          const closure = item === null ? [] : closureOf(item.path, nodeOf).map(withBirth);
          if (closure.every(node => node.bornAt !== undefined)) {
            await write(place, factSchema.parse({ name, item, closure }));
          }
        }
        await prune(folder, place);
      } catch (error) {
        if (!isSystemError(error)) throw error;
        log.warn({ error }, 'what was found out of packages cannot be kept; Nix will be asked again');
      }
    },
  };

  function withBirth(node: ClosureNode): ClosureNode & { readonly bornAt: number | undefined } {
    return { ...node, bornAt: bornAt(node.path) };
  }
}

/** All that a path needs, itself included. */
function closureOf(path: StorePath, nodeOf: ReadonlyMap<StorePath, ClosureNode>): ClosureNode[] {
  const found = new Set([path]);
  const closure: ClosureNode[] = [];
  // What is added while it is walked is walked too.
  for (const next of found) {
    const node = nodeOf.get(next);
    if (node === undefined) throw new Error(`${next} is not in the closure it is in`);
    closure.push(node);
    for (const reference of node.references) found.add(reference);
  }
  return closure;
}

/** Whether all that the item needs is there. What was tampered with would fail the image, and every other try of it. */
function isWhole({ item, closure }: Pick<Fact, 'item' | 'closure'>): boolean {
  const paths = new Set(closure.map(({ path }) => path));
  const isHere = (path: StorePath): boolean => paths.has(path);
  return (item === null || isHere(item.path)) && closure.every(({ references }) => references.every(isHere));
}

/** A name from outside is never a path. */
function fileOf(place: string, name: string): string {
  return join(place, `${hash(name)}.json`);
}

function hash(canonical: unknown): string {
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
}

async function touch(place: string): Promise<void> {
  const now = new Date();
  await utimes(place, now, now).catch(ignoreMissing);
}

/**
 * Removes the facts of all but the revisions that were used last, of which `current` is one: by a clock that was set back it
 * may seem older than all others.
 */
async function prune(folder: string, current: string): Promise<void> {
  const all = (await readdir(folder)).map(name => join(folder, name));
  const places = all.filter(place => place !== current);
  if (places.length < REVISIONS) return;
  const used = await Promise.all(
    places.map(async place => ({ place, at: (await stat(place).catch(ignoreMissing))?.mtimeMs ?? 0 })),
  );
  const old = used.toSorted((a, b) => b.at - a.at).slice(REVISIONS - 1);
  await Promise.all(old.map(({ place }) => rm(place, { recursive: true, force: true })));
}

/** Another worker of the same disk may have removed it. */
function ignoreMissing(error: unknown): undefined {
  if (isSystemError(error) && error.code === 'ENOENT') return undefined;
  throw error;
}
