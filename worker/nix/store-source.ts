// Trees of package sources in the Nix store, kept from the garbage collector while this worker lives.
import { mkdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { TransientError } from '#core/errors.ts';
import { storePathSchema, type StorePath } from '#core/store-path.ts';
import { errorMessage } from './nix-message.ts';
import type { Nix } from './nix.ts';
import { runExpression } from './run-expression.ts';
import { runNix } from './run-nix.ts';
import type { StoredSource } from './stored-source.ts';

/** A tree of the name "source": `builtins.path { path; name = "source"; sha256 = narHash; }` is the same path. */
export type StoredTree = Omit<StoredSource, 'kind'>;

export type SourceStore = ReturnType<typeof openSourceStore>;

/** Trees that are kept at a time: some more than the sources that are in use. */
const KEPT = 16;

/** `rootsFolder` is this process's own: it gets a link for each tree that is kept, the last `limit` that were wanted. */
export function openSourceStore(nix: Nix, rootsFolder: string, limit = KEPT) {
  const roots = new LRUCache<StorePath, string>({
    max: limit,
    // A link that stays keeps a tree on the disk, and nothing else.
    dispose: root => void rm(root, { force: true }).catch(() => undefined),
  });
  let prepared: Promise<unknown> | undefined;

  /** What an earlier process kept is not kept any more. */
  async function prepare(): Promise<void> {
    await rm(rootsFolder, { recursive: true, force: true });
    await mkdir(rootsFolder, { recursive: true, mode: 0o700 });
  }

  /** Keeps a tree, if it is there; answers whether it is. */
  async function keep(path: StorePath, signal: AbortSignal): Promise<boolean> {
    await (prepared ??= prepare());
    const root = join(rootsFolder, path.slice('/nix/store/'.length));
    const args = ['--realise', path, '--add-root', root, '--indirect', '--option', 'substitute', 'false'];
    const { succeeded } = await runNix(nix, 'nix-store', args, { signal });
    if (succeeded) roots.set(path, root);
    return succeeded;
  }

  /** What there is to know of a tree that Nix has just put into the store; it is kept from now on. */
  async function describe(told: unknown, signal: AbortSignal): Promise<StoredTree> {
    const path = storePathSchema.parse(told);
    if (!(await keep(path, signal))) throw new TransientError(`${path} is gone from the store already`);
    const hash = await runNix(nix, 'nix-store', ['--query', '--hash', path], { signal });
    if (!hash.succeeded) throw new TransientError(`Nix cannot tell a hash: ${errorMessage(hash.stderr)}`);
    return { path, narHash: hash.stdout.trim() };
  }

  return {
    nix,
    keep,
    describe,

    /** Copies a folder, but for git's own files in it. Throws a {@link TransientError} where it cannot be read. */
    async add(folder: string, signal: AbortSignal): Promise<StoredTree> {
      const explain = (stderr: string): Error =>
        new TransientError(`the package source cannot be copied: ${errorMessage(stderr)}`);
      // A link would be copied as one. Where nothing is, Nix says so.
      const argument = { folder: await realpath(folder).catch(() => folder) };
      const path = await runExpression(nix, { name: 'store-folder', argument, explain }, signal);
      return describe(path, signal);
    },
  };
}
