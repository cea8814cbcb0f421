// From a package source and a ref to one revision, and to what Nix is to evaluate.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentError, TransientError } from '#core/errors.ts';
import type { PackageSource } from '#core/package-source.ts';
import { resolveGitRef, workTreeRevision } from './git.ts';
import { hashFolder } from './nix/hash-folder.ts';
import type { Nix } from './nix/nix.ts';
import type { NixSource } from './nix/bridge-source.ts';

/** Where a ref of a source stands. */
export interface FoundRevision {
  /** A git commit, or a hash of the content where there is no git. */
  readonly revision: string;
  /** The full name of the git ref that it was found under. */
  readonly gitRef: string | undefined;
}

export interface SourceParts {
  readonly nix: Nix;
  /** Folder of the bundled Debian package set. */
  readonly debianSet: string | undefined;
  /** Where channels say their present revision. */
  readonly channelsUrl: string;
}

export type PackageSources = ReturnType<typeof createPackageSources>;

export function createPackageSources({ nix, debianSet, channelsUrl }: SourceParts) {
  function debianFolder(): string {
    if (debianSet === undefined) throw new Error('settings promise a folder for the Debian package set');
    return debianSet;
  }

  return {
    /** Asks where a ref stands now. Throws a PermanentError where it does not exist, a TransientError where nobody answers. */
    async find(source: PackageSource, ref: string, signal: AbortSignal): Promise<FoundRevision> {
      switch (source.kind) {
        case 'channel': {
          const { name } = source;
          const revision = COMMIT.test(name) ? name : await channelRevision(channelsUrl, name, signal);
          return { revision, gitRef: undefined };
        }
        case 'git':
          return resolveGitRef(source.url, ref, signal);
        case 'path': {
          const { folder } = source;
          const revision =
            (await workTreeRevision(folder, signal)) ?? (await hashFolder(nix, folder, signal));
          return { revision, gitRef: undefined };
        }
        case 'debian': {
          const revision = (await readFile(join(debianFolder(), 'revision'), 'utf8')).trim();
          return { revision, gitRef: undefined };
        }
      }
    },

    /** What Nix is to evaluate for a source at a revision. */
    at(source: PackageSource, { revision, gitRef }: FoundRevision): NixSource {
      switch (source.kind) {
        case 'channel':
          return { tarball: `https://github.com/NixOS/nixpkgs/archive/${revision}.tar.gz` };
        case 'git':
          return { git: { url: source.url, rev: revision, ...(gitRef !== undefined && { ref: gitRef }) } };
        case 'path':
          return { path: source.folder };
        case 'debian':
          return { path: debianFolder() };
      }
    },
  };
}

const COMMIT = /^[0-9a-f]{40}$/;

/** A server that says nothing for so long is down. Milliseconds. */
const PATIENCE_MS = 30_000;

/** The commit that a channel stands at (`<channels>/<name>/git-revision`, as NixOS publishes it). */
async function channelRevision(channelsUrl: string, name: string, signal: AbortSignal): Promise<string> {
  let response: Response;
  let text: string;
  try {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    response = await fetch(`${channelsUrl}/${name}/git-revision`, {
      signal: AbortSignal.any([signal, patience]),
    });
    text = (await response.text()).trim();
  } catch (error) {
    throw new TransientError(`cannot ask ${channelsUrl} for channel ${name}`, { cause: error });
  }
  if (response.status === 404) {
    throw new PermanentError({ kind: 'unknown_source', message: `there is no channel "${name}"` });
  }
  if (!response.ok || !COMMIT.test(text)) {
    throw new TransientError(
      `${channelsUrl} answered ${response.status} for channel ${name}, and no revision`,
    );
  }
  return text;
}
