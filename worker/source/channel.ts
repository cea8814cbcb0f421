// nixpkgs' channels: where they stand, and the archive of a commit.
import { PermanentError, TransientError } from '#core/errors.ts';
import { errorMessage } from '../nix/nix-message.ts';
import { runExpression } from '../nix/run-expression.ts';
import type { SourceStore, StoredTree } from '../nix/store-source.ts';

const COMMIT = /^[0-9a-f]{40}$/;

/** A server that says nothing for so long is down. Milliseconds. */
const PATIENCE_MS = 30_000;

/**
 * The commit that a channel stands at (`<channels>/<name>/git-revision`, as NixOS publishes it). Throws a
 * {@link PermanentError} where there is no such channel, a {@link TransientError} where nobody tells.
 */
export async function channelCommit(channelsUrl: string, name: string, signal: AbortSignal): Promise<string> {
  if (COMMIT.test(name)) return name;
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

/** nixpkgs at a commit, by `<archives>/<commit>.tar.gz`. Throws as {@link channelCommit} does. */
export async function fetchNixpkgs(
  store: SourceStore,
  archivesUrl: string,
  commit: string,
  signal: AbortSignal,
): Promise<StoredTree> {
  const explain = (stderr: string): Error => {
    const message = errorMessage(stderr);
    return /HTTP error 404\b/.test(message)
      ? new PermanentError({ kind: 'unknown_source', message: `nixpkgs has no commit ${commit}` })
      : new TransientError(`nixpkgs cannot be fetched: ${message}`);
  };
  const url = `${archivesUrl.replace(/\/$/, '')}/${commit}.tar.gz`;
  const path = await runExpression(
    store.nix,
    { name: 'fetch-archive', argument: { url }, settings: SETTINGS, explain },
    signal,
  );
  return store.describe(path, signal);
}

/** Builds are tried again: Nix itself need not be stubborn. A commit's archive never changes. Seconds. */
const SETTINGS = {
  'connect-timeout': '15',
  'stalled-download-timeout': '60',
  'download-attempts': '2',
  'tarball-ttl': '2000000000',
};
