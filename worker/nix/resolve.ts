// From package names to derivations: one evaluation for all names, and more only for what went wrong.
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
import { PermanentError, TransientError } from '#core/errors.ts';
import type { StorePath } from '#core/store-path.ts';
import { nearMatches } from './near-matches.ts';
import { errorMessage, tellsOfFetching, tellsOfMemory } from './nix-message.ts';
import type { Nix } from './nix.ts';
import { answerSchema, type Answer, type AnsweredItem } from './resolve-answer.ts';
import { runNix } from './run-nix.ts';

/** What Nix evaluates: exactly one of these. A path is absolute; a git source names a revision, a ref, or both. */
export type NixSource =
  | { readonly path: string }
  | { readonly tarball: string }
  | { readonly git: { readonly url: string; readonly ref?: string; readonly rev?: string } }
  | { readonly flake: string };

export interface ResolveRequest {
  readonly source: NixSource;
  /** Nix's name of the platform, `x86_64-linux`. */
  readonly system: string;
  /** Names as they come from an image's name: data, whatever they hold. */
  readonly packages: readonly string[];
}

export interface FoundItem {
  readonly kind: 'found';
  /** The name that was asked for. */
  readonly name: string;
  /** The attribute it means, `xorg.xev`. */
  readonly attribute: string;
  readonly drv: string;
  /** The output to realise: `drv!output`. */
  readonly output: string;
  /** Where that output is once it is realised. */
  readonly path: StorePath;
  readonly pname: string | null;
  /** The package's own idea of its main program, `meta.mainProgram`. */
  readonly mainProgram: string | null;
}

export type ResolvedItem =
  | FoundItem
  /** `near`: names that are there and look alike, at most three. */
  | { readonly kind: 'not_found'; readonly name: string; readonly near: readonly string[] }
  /** The attributes differ only in case, and none of them is the name itself. */
  | { readonly kind: 'ambiguous'; readonly name: string; readonly candidates: readonly string[] }
  /** `type` is Nix's: set, lambda, string, … */
  | { readonly kind: 'not_a_package'; readonly name: string; readonly type: string }
  /** The package set has it and refuses. `reasons`: of broken, insecure, unfree, unsupported. */
  | {
      readonly kind: 'refused';
      readonly name: string;
      readonly reasons: readonly string[];
      readonly message: string;
    }
  /** Its evaluation ends with an error: Nix's message. */
  | { readonly kind: 'failed'; readonly name: string; readonly message: string };

/** Evaluations at a time where each package is asked for alone: each takes some 100 MB with nixpkgs. */
const ALONE_AT_A_TIME = 2;

/**
 * Resolves names, in the order asked. The derivations are written to the store, nothing is built. Throws a
 * {@link PermanentError} where the source is no package set or takes too much memory, and a {@link TransientError} where it cannot be had now.
 */
export async function resolve(
  nix: Nix,
  request: ResolveRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<ResolvedItem[]> {
  const { packages } = request;
  const items = await resolvePossible(nix, { ...request, packages: packages.filter(canBeNixString) }, signal);
  const rest = items.values();
  return packages.map(name =>
    canBeNixString(name) ? nextOf(rest, name) : { kind: 'not_found', name, near: [] },
  );
}

/** Nix's strings end at a NUL, and are UTF-8: other text would arrive as another name. */
function canBeNixString(name: string): boolean {
  return !name.includes('\0') && name.isWellFormed();
}

function nextOf(items: Iterator<ResolvedItem>, name: string): ResolvedItem {
  const { value, done } = items.next();
  if (done === true || value.name !== name) throw new Error(`the resolver lost ${JSON.stringify(name)}`);
  return value;
}

async function resolvePossible(
  nix: Nix,
  request: ResolveRequest,
  signal: AbortSignal,
): Promise<ResolvedItem[]> {
  const atATime = pLimit(ALONE_AT_A_TIME);
  const whole = await evaluate(nix, request, signal);
  if (whole.succeeded) {
    return Promise.all(whole.answer.items.map(item => atATime(explained, item, whole.answer)));
  }
  await requirePackageSet(nix, request, signal);
  // One name took the others down: Nix cannot catch everything.
  return Promise.all(request.packages.map(name => atATime(alone, name)));

  async function alone(name: string): Promise<ResolvedItem> {
    const one = await evaluate(nix, { ...request, packages: [name] }, signal);
    const [item] = one.succeeded ? one.answer.items : [];
    if (!one.succeeded || item === undefined) return { kind: 'failed', name, message: messageOf(one) };
    return explained(item, one.answer);
  }

  async function explained(item: AnsweredItem, answer: Answer): Promise<ResolvedItem> {
    const { name } = item;
    if ('refused' in item) {
      const message = await explain(name);
      return { kind: 'refused', name, reasons: item.refused.reasons, message };
    }
    if ('malformed' in item)
      return { kind: 'failed', name, message: 'it is no derivation that Nix could build' };
    if ('failed' in item) return { kind: 'failed', name, message: await explain(name) };
    return toResolvedItem(item, answer);
  }

  /** Nix's own words on a name whose evaluation it could catch, which loses them. */
  async function explain(name: string): Promise<string> {
    return messageOf(await evaluate(nix, { ...request, packages: [name], explain: true }, signal));
  }
}

function toResolvedItem(
  item: Exclude<AnsweredItem, { refused: unknown } | { failed: unknown } | { malformed: unknown }>,
  answer: Answer,
): ResolvedItem {
  const { name } = item;
  if ('found' in item) {
    return { kind: 'found', name, ...item.found, attribute: item.found.attribute.join('.') };
  }
  if ('not_found' in item) {
    const set = item.not_found.attribute.join('.');
    const near = nearMatches(name, set, answer.names[set] ?? []);
    return { kind: 'not_found', name, near };
  }
  if ('ambiguous' in item) return { kind: 'ambiguous', name, candidates: item.ambiguous.candidates };
  return { kind: 'not_a_package', name, type: item.not_a_package.type };
}

type Evaluation =
  | { readonly succeeded: true; readonly answer: Answer }
  | { readonly succeeded: false; readonly message: string };

const RESOLVER = fileURLToPath(new URL('../../nix/resolve.nix', import.meta.url));

async function evaluate(
  nix: Nix,
  request: ResolveRequest & { readonly explain?: boolean },
  signal: AbortSignal,
): Promise<Evaluation> {
  const { source, system, packages, explain = false } = request;
  const data = JSON.stringify({ source, system, packages, explain });
  const flags = ['--eval', '--strict', '--json', '--read-write-mode'];
  const args = [...flags, RESOLVER, '--argstr', 'request', data];
  const { succeeded, stdout, stderr } = await runNix(nix, 'nix-instantiate', args, { signal });
  if (succeeded) return { succeeded, answer: answerSchema.parse(JSON.parse(stdout)) };
  const message = errorMessage(stderr);
  if (nix.memoryMb !== undefined && tellsOfMemory(message)) throw tooLarge(nix.memoryMb);
  if (tellsOfFetching(message)) throw new TransientError(`The evaluation was interrupted: ${message}`);
  return { succeeded, message };
}

/**
 * Evaluation needs the same memory each time, so this is no error to try again at once. Nor does it hold for as long as
 * the revision is this one, as a refusal does: another worker may be allowed more.
 */
function tooLarge(memoryMb: number): PermanentError {
  const message = `the evaluation needs more memory than the ${memoryMb} MiB that it may have here`;
  return new PermanentError({ kind: 'build_failed', message });
}

/** Tells an error of one package from a source that has none at all. */
async function requirePackageSet(nix: Nix, request: ResolveRequest, signal: AbortSignal): Promise<void> {
  const empty = await evaluate(nix, { ...request, packages: [] }, signal);
  if (empty.succeeded) return;
  throw new PermanentError({
    kind: 'unknown_source',
    message: `The package source cannot be evaluated: ${empty.message}`,
  });
}

function messageOf(evaluation: Evaluation): string {
  return evaluation.succeeded ? 'Nix gave no reason' : evaluation.message;
}
