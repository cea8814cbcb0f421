// What builds need of the store, kept from collection for as long as each of them takes.
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Nix } from '../nix/nix.ts';
import { holdOffCollection, watchCollections, type CollectionWatch } from './collection-lock.ts';
import { linkRoots, type RootsFolder } from './link-roots.ts';

/** Hands out a build's roots. */
export type BeginRoots = () => Promise<BuildRoots>;

/** Disposed of when the build needs nothing of the store any more: its layers are uploaded, or it has failed. */
export interface BuildRoots extends AsyncDisposable {
  /** A folder for the links that Nix makes itself, to what it realises; undefined where nobody collects. */
  readonly folder: string | undefined;
  /** Keeps paths that were in the store a moment ago; answers whether all are there still. */
  keep(paths: readonly string[], signal: AbortSignal): Promise<boolean>;
  /**
   * While it is held no collection begins, so that what is found out can be kept. Undefined where one is running, to which
   * Nix tells all that it makes meanwhile; and where that is a daemon's affair.
   */
  holdOff(): Promise<Disposable | undefined>;
  /** Notes from now on whether workers collect. */
  watch(): Promise<CollectionWatch>;
}

/** `parent` is this process's own; `collecting` is locked by whichever worker collects. */
export function createBuildRoots(nix: Nix, parent: RootsFolder, collecting: string): BeginRoots {
  return async () => {
    const folder = { ...parent, path: join(parent.path, randomUUID()) };
    await mkdir(folder.path, { mode: 0o700 });
    return {
      folder: folder.path,
      keep: (paths, signal) => linkRoots(nix, folder, paths, signal),
      holdOff: async () => (folder.kind === 'direct' ? holdOffCollection(nix) : undefined),
      watch: () => watchCollections(collecting),
      [Symbol.asyncDispose]: () => rm(folder.path, { recursive: true, force: true }),
    };
  };
}

/** For a store that nobody collects, as that of an audit. */
export const UNCOLLECTED: BeginRoots = async () => ({
  folder: undefined,
  keep: async () => true,
  holdOff: async () => undefined,
  watch: async () => ({ hasSeenOne: async () => false }),
  [Symbol.asyncDispose]: async () => {},
});
