// From a package source and a ref to one revision, and from that to a tree in the Nix store.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { TransientError } from '#core/errors.ts';
import { parseFlakeReference } from '#core/flake-reference.ts';
import { formatPackageSource, type PackageSource } from '#core/package-source.ts';
import type { Nix } from '../nix/nix.ts';
import { openSourceStore, type StoredTree } from '../nix/store-source.ts';
import type { StoredSource } from '../nix/stored-source.ts';
import { createSingleFlight } from '../single-flight.ts';
import { channelCommit, fetchNixpkgs } from './channel.ts';
import { fetchFlake } from './flake.ts';
import { copyFolder, workTreeRevision } from './folder.ts';
import type { FoundRevision } from './found-revision.ts';
import { fetchCommit } from './git-commit.ts';
import { createCommitCheck } from './git-history.ts';
import { listNames, resolveGitRef } from './git-refs.ts';
import { openRepositories } from './git-repositories.ts';
import { openGit, type GitSettings } from './git.ts';

export interface SourceParts {
  readonly nix: Nix;
  /** Folder of the bundled Debian package set. */
  readonly debianSet: string | undefined;
  /** Where channels say their present revision. */
  readonly channelsUrl: string;
  /** Where nixpkgs is, as `<commit>.tar.gz`. */
  readonly archivesUrl: string;
  /** A folder of this process's own: git repositories, and what keeps trees from Nix's garbage collector. */
  readonly folder: string;
  readonly git?: Partial<GitSettings>;
}

export interface PackageSources {
  /**
   * Where a ref stands now. Throws a PermanentError of kind `unknown_source` where it does not exist or wants a login that
   * the worker does not have, a TransientError where nobody answers.
   */
  find(source: PackageSource, ref: string, signal: AbortSignal): Promise<FoundRevision>;
  /** The branches and tags of a git repository; other sources have none. Throws as `find` does. */
  listRefs(source: PackageSource, signal: AbortSignal): Promise<readonly string[]>;
  /** The source's tree at a revision, in the Nix store, fetched where it is not there. Throws as `find` does. */
  fetch(source: PackageSource, found: FoundRevision, signal: AbortSignal): Promise<StoredSource>;
}

/** Trees that are remembered. */
const MEMORY = 1000;

export function createPackageSources(parts: SourceParts): PackageSources {
  const { channelsUrl, archivesUrl, folder } = parts;
  const git = openGit(parts.git);
  const store = openSourceStore(parts.nix, join(folder, 'roots'));
  const repositories = openRepositories(git, join(folder, 'git'));
  const commits = createCommitCheck(repositories);
  const fetchOnce = createSingleFlight<StoredSource>();
  const trees = new LRUCache<string, StoredTree>({ max: MEMORY });

  async function fetchTree(
    source: PackageSource,
    revision: string,
    signal: AbortSignal,
  ): Promise<StoredTree> {
    switch (source.kind) {
      case 'channel':
        return fetchNixpkgs(store, archivesUrl, revision, signal);
      case 'git':
        return fetchCommit(repositories, store, source.url, revision, signal);
      case 'flake':
        return (await fetchFlake(store, source.reference, revision, signal)).tree;
      case 'path':
      case 'debian': {
        const now = await copy(source, signal);
        if (now.revision === revision) return now.tree;
        throw new TransientError(`${formatPackageSource(source)} has changed since it was looked at`);
      }
    }
  }

  async function copy(
    source: PackageSource & { kind: 'path' | 'debian' },
    signal: AbortSignal,
  ): Promise<{ revision: string; tree: StoredTree }> {
    if (source.kind === 'path') return copyFolder(git, store, source.folder, signal);
    const set = debianFolder(parts);
    return { tree: await store.add(set, signal), revision: await debianRevision(set) };
  }

  return {
    async find(source, ref, signal) {
      const remember = ({ revision, tree }: { revision: string; tree: StoredTree }): FoundRevision => {
        trees.set(treeKey(source, revision), tree);
        return { revision, gitRef: undefined };
      };
      switch (source.kind) {
        case 'channel':
          return { revision: await channelCommit(channelsUrl, source.name, signal), gitRef: undefined };
        case 'git': {
          const found = await resolveGitRef(git, source.url, ref, signal);
          if (found.gitRef === undefined) await commits.require(source.url, found.revision, signal);
          return found;
        }
        case 'path': {
          const revision = await workTreeRevision(git, source.folder, signal);
          if (revision !== undefined) return { revision, gitRef: undefined };
          return remember(await copyFolder(git, store, source.folder, signal));
        }
        case 'flake': {
          const { rev } = parseFlakeReference(source.reference);
          if (rev !== undefined) return { revision: rev, gitRef: undefined };
          return remember(await fetchFlake(store, source.reference, undefined, signal));
        }
        case 'debian':
          return { revision: await debianRevision(debianFolder(parts)), gitRef: undefined };
      }
    },

    async listRefs(source, signal) {
      return source.kind === 'git' ? listNames(git, source.url, signal) : [];
    },

    fetch(source, { revision }, signal) {
      const key = treeKey(source, revision);
      return fetchOnce(key, signal, async shared => {
        const kind = source.kind === 'flake' ? 'flake' : 'package-set';
        const known = trees.get(key);
        if (known !== undefined && (await store.keep(known.path, shared))) return { kind, ...known };
        const tree = await fetchTree(source, revision, shared);
        trees.set(key, tree);
        return { kind, ...tree };
      });
    },
  };
}

function treeKey(source: PackageSource, revision: string): string {
  return JSON.stringify([formatPackageSource(source), revision]);
}

function debianFolder({ debianSet }: SourceParts): string {
  if (debianSet === undefined) throw new Error('settings promise a folder for the Debian package set');
  return debianSet;
}

async function debianRevision(folder: string): Promise<string> {
  return (await readFile(join(folder, 'revision'), 'utf8')).trim();
}
