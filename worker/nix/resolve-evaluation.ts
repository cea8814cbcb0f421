// One evaluation of nix/resolve.nix: pure, and within its limits.
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { PermanentError, TransientError } from '#core/errors.ts';
import type { ImportArguments } from '#core/image-settings.ts';
import { storePathName } from '#core/store-path.ts';
import { evaluationEnvironment } from './evaluation-environment.ts';
import { toIntegrity } from './nix-hash.ts';
import {
  errorMessage,
  explainPureMode,
  tellsOfFetching,
  tellsOfLogin,
  tellsOfMemory,
  WITHOUT_LOGIN,
} from './nix-message.ts';
import type { Nix } from './nix.ts';
import { runNix, type NixResult } from './run-nix.ts';
import { spellingsOf } from './spellings.ts';
import type { StoredSource } from './stored-source.ts';

export interface EvaluationRequest {
  readonly source: StoredSource;
  /** Nix's name of the platform, `x86_64-linux`. */
  readonly system: string;
  readonly importArguments: ImportArguments;
  /** Names as they come from an image's name: data, whatever they hold. */
  readonly packages: readonly string[];
  /** To `resolve`; to `explain` what goes wrong; to `look` whether packages are there, or `locate` them. See nix/resolve.nix. */
  readonly mode: 'resolve' | 'explain' | 'look' | 'locate';
}

export type Evaluation<T> =
  { readonly succeeded: true; readonly answer: T } | { readonly succeeded: false; readonly message: string };

/** What is kept of a package set's message, in characters: it may hold anything. */
const MESSAGE_LIMIT = 2000;

/**
 * Evaluates. Throws a {@link PermanentError} where that takes more time or memory than it may, and a
 * {@link TransientError} where something that the source pins cannot be had now.
 */
export async function evaluate<T>(
  nix: Nix,
  request: EvaluationRequest,
  answerSchema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<Evaluation<T>> {
  const { succeeded, stdout, stderr } = await withinLimits(nix, await argumentsOf(nix, request), signal);
  if (succeeded) return { succeeded, answer: answerSchema.parse(JSON.parse(stdout)) };
  const message = readable(nix, request.source, errorMessage(stderr));
  const memoryMb = nix.evaluation?.memoryMb ?? nix.memoryMb;
  if (memoryMb !== undefined && tellsOfMemory(message)) {
    throw overLimit(`needs more memory than the ${memoryMb} MiB that it may have here`);
  }
  if (tellsOfLogin(stderr)) return { succeeded, message: `${message} (${WITHOUT_LOGIN})` };
  if (tellsOfFetching(message)) throw new TransientError(`The evaluation was interrupted: ${message}`);
  return { succeeded, message: explainPureMode(message) };
}

/** Where the worker has its store is nobody's business, and where the tree is in it no help. */
function readable(nix: Nix, { path }: StoredSource, message: string): string {
  const store = nix.realPath(path).slice(0, -path.length);
  const logical = store === '' ? message : message.replaceAll(`${store}/`, '/');
  return logical.replaceAll(`${path}/`, '').slice(0, MESSAGE_LIMIT);
}

async function withinLimits(nix: Nix, args: readonly string[], signal: AbortSignal): Promise<NixResult> {
  const limits = nix.evaluation;
  const environment = evaluationEnvironment(nix.environment);
  if (limits === undefined) return runNix(nix, 'nix-instantiate', args, { signal, environment });
  const { seconds, memoryMb } = limits;
  const timeout = AbortSignal.timeout(seconds * 1000);
  try {
    return await runNix(nix, 'nix-instantiate', args, {
      signal: AbortSignal.any([signal, timeout]),
      memoryMb,
      environment,
    });
  } catch (error) {
    if (error !== timeout.reason) throw error;
    throw overLimit(`took longer than the ${seconds} s that it may take here`);
  }
}

/**
 * An evaluation takes the same each time, so this is no error to try again at once. Nor does it hold for as long as the
 * revision is this one, as a refusal does: another worker may be allowed more.
 */
function overLimit(what: string): PermanentError {
  return new PermanentError({ kind: 'build_failed', message: `the evaluation ${what}` });
}

async function argumentsOf(nix: Nix, request: EvaluationRequest): Promise<string[]> {
  const { source, system, packages, mode } = request;
  const { config, overlay } = request.importArguments;
  const data = {
    source: sourceOf(source),
    system,
    config,
    packages: packages.map(name => ({ name, components: spellingsOf(name) ?? [] })),
    mode,
  };
  // Without read-write mode the derivations would not be written.
  const mayWrite = mode === 'look' || mode === 'locate' ? [] : ['--read-write-mode'];
  // Nor is anything built to know where a package would be.
  const mayBuild = mode === 'locate' ? ['--option', 'allow-import-from-derivation', 'false'] : [];
  const flakes = source.kind === 'flake' ? ['--option', 'extra-experimental-features', 'flakes'] : [];
  const overlays = overlay === undefined ? [] : ['--argstr', 'overlay', overlay];
  const expression = ['--expr', await resolver(), '--argstr', 'request', JSON.stringify(data), ...overlays];
  return [
    '--eval',
    '--strict',
    '--json',
    ...mayWrite,
    ...mayBuild,
    ...confinement(nix),
    ...flakes,
    ...expression,
  ];
}

/**
 * Pure mode wants a hash or a commit for what is fetched. A commit of any repository that the worker can read would do:
 * only restricted mode looks at addresses.
 */
function confinement({ pinnedUris }: Nix): string[] {
  const settings = {
    'pure-eval': 'true',
    'restrict-eval': 'true',
    'allowed-uris': pinnedUris.join(' '),
    // The operator's logins at forges.
    'access-tokens': '',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['--option', name, value]);
}

/** What pure mode takes for a path in the store: its hash has to be said too, then it is neither read nor copied. */
function sourceOf({ kind, path, narHash }: StoredSource): object {
  if (kind === 'package-set') return { path, name: storePathName(path), sha256: narHash };
  return { flake: `path:${path}?narHash=${encodeURIComponent(toIntegrity(narHash))}` };
}

let text: Promise<string> | undefined;

async function resolver(): Promise<string> {
  text ??= readFile(new URL(import.meta.resolve('#nix/resolve.nix')), 'utf8');
  return text;
}
