// Flakes: their tree is fetched by Nix, which knows registries and forges; nothing of them is evaluated here.
import { z } from 'zod';
import { PermanentError, TransientError } from '#core/errors.ts';
import { flakeInputAt, parseFlakeReference, type FlakeInput } from '#core/flake-reference.ts';
import { errorMessage } from '../nix/nix-message.ts';
import { runExpression } from '../nix/run-expression.ts';
import type { SourceStore, StoredTree } from '../nix/store-source.ts';
import { requireInputsOfTheWeb } from './flake-lock.ts';
import { gitFailure } from './git-failure.ts';

export interface FetchedFlake {
  /** Its commit, else the hash of its content. */
  readonly revision: string;
  readonly tree: StoredTree;
}

const answerSchema = z.object({ path: z.string(), revision: z.string(), isFlake: z.boolean() });

const COMMIT = /^[0-9a-f]{40}$/;

/**
 * Fetches a flake, at a revision where one is given. Throws a {@link PermanentError} where it is none, or is not there; a
 * {@link TransientError} where it cannot be had now, or has moved on and what it was cannot be fetched any more.
 */
export async function fetchFlake(
  store: SourceStore,
  reference: string,
  revision: string | undefined,
  signal: AbortSignal,
): Promise<FetchedFlake> {
  const moving = parseFlakeReference(reference);
  const pinned = revision !== undefined && COMMIT.test(revision) ? flakeInputAt(moving, revision) : undefined;
  const input = pinned ?? moving;
  const answer = await runExpression(
    store.nix,
    {
      name: 'fetch-flake',
      argument: { input: JSON.stringify(input) },
      settings: SETTINGS,
      explain: stderr => failure(reference, input, stderr),
    },
    signal,
  );
  const { path, isFlake, ...found } = answerSchema.parse(answer);
  if (!isFlake) throw refusal(`${reference} is no flake: it has no flake.nix at its top`);
  if (revision !== undefined && found.revision !== revision) {
    throw new TransientError(`${reference} has moved on from ${revision}`);
  }
  const tree = await store.describe(path, signal);
  await requireInputsOfTheWeb(reference, store.nix.realPath(tree.path));
  return { revision: found.revision, tree };
}

const SETTINGS = {
  'experimental-features': 'nix-command flakes',
  // How long to go by what was seen last is our own setting.
  'tarball-ttl': '0',
  'connect-timeout': '15',
  'stalled-download-timeout': '60',
  'download-attempts': '2',
};

function failure(reference: string, input: FlakeInput, stderr: string): Error {
  const message = errorMessage(stderr);
  if (/couldn't find remote ref|unknown revision/.test(stderr)) {
    return refusal(`${reference} has no branch, tag or commit of that name`);
  }
  if (input.type === 'git' && /\bgit\b/.test(message)) return gitFailure(String(input['url']), stderr);
  const status = /HTTP error (?<status>40[134])\b/.exec(message)?.groups?.['status'];
  if (status === '404') return refusal(`${reference} does not exist, or wants a login`);
  if (status !== undefined) {
    return refusal(`${reference} wants a login: its operator gives the worker one (access-tokens, ~/.netrc)`);
  }
  if (/No such file or directory|does not exist|cannot find flake/.test(message)) {
    return refusal(`${reference} does not exist`);
  }
  return new TransientError(`${reference} cannot be fetched: ${message}`);
}

function refusal(message: string): PermanentError {
  return new PermanentError({ kind: 'unknown_source', message });
}
