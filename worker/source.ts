// From a package source and a ref to one revision, and to what Nix is to evaluate.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentError, TransientError } from '#core/errors.ts';
import type { PackageSource } from '#core/package-source.ts';
import { resolveGitRef, workTreeRevision } from './git.ts';
import { hashFolder } from './nix/hash-folder.ts';
import type { Nix } from './nix/nix.ts';
import type { NixSource } from './nix/resolve.ts';

/** A package set at one moment of its history. */
export interface ResolvedSource {
  /** A git commit, or a hash of the content where there is no git. */
  readonly revision: string;
  readonly nix: NixSource;
}

export interface SourceParts {
  readonly nix: Nix;
  /** Folder of the bundled Debian package set. */
  readonly debianSet: string | undefined;
  /** Where channels say their present revision. */
  readonly channelsUrl: string;
}

export type SourceResolver = (
  source: PackageSource,
  ref: string,
  signal: AbortSignal,
) => Promise<ResolvedSource>;

export function createSourceResolver({ nix, debianSet, channelsUrl }: SourceParts): SourceResolver {
  return async (source, ref, signal) => {
    switch (source.kind) {
      case 'channel': {
        const revision = COMMIT.test(source.name)
          ? source.name
          : await channelRevision(channelsUrl, source.name, signal);
        return { revision, nix: { tarball: `https://github.com/NixOS/nixpkgs/archive/${revision}.tar.gz` } };
      }
      case 'git': {
        const { revision, gitRef } = await resolveGitRef(source.url, ref, signal);
        return {
          revision,
          nix: { git: { url: source.url, rev: revision, ...(gitRef !== undefined && { ref: gitRef }) } },
        };
      }
      case 'path': {
        const revision =
          (await workTreeRevision(source.folder, signal)) ?? (await hashFolder(nix, source.folder, signal));
        return { revision, nix: { path: source.folder } };
      }
      case 'debian': {
        if (debianSet === undefined) throw new Error('settings promise a folder for the Debian package set');
        const revision = (await readFile(join(debianSet, 'revision'), 'utf8')).trim();
        return { revision, nix: { path: debianSet } };
      }
    }
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
