// From package names to derivations: one evaluation for all names, and more only for what went wrong.
import { unescape } from '#core/escape.ts';
import type { StorePath } from '#core/store-path.ts';
import { withoutAdvice } from './nix-message.ts';
import type { Nix } from './nix.ts';
import { nearPackages } from './near-packages.ts';
import { answerSchema, type Answer, type AnsweredItem } from './resolve-answer.ts';
import { evaluate, type Evaluation, type EvaluationRequest } from './resolve-evaluation.ts';
import { requirePackageSet } from './require-package-set.ts';
import { someAtATime } from './some-at-a-time.ts';
import { spellingsOf } from './spellings.ts';
import { createWriter, type WrittenAttribute } from './written-attribute.ts';

export type ResolveRequest = Omit<EvaluationRequest, 'mode'>;

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
  /** Of two packages that have the same file, the one with the lower number gives it: `meta.priority`, else 5. */
  readonly priority: number;
}

export type ResolvedItem =
  | FoundItem
  /** `near`: packages that are there and may have been meant, at most three. */
  | { readonly kind: 'not_found'; readonly name: string; readonly near: readonly WrittenAttribute[] }
  /** The attributes differ only in case, and none of them is the name itself. */
  | {
      readonly kind: 'ambiguous';
      readonly name: string;
      readonly candidates: readonly WrittenAttribute[];
    }
  /** `type` is Nix's: set, lambda, string, … */
  | { readonly kind: 'not_a_package'; readonly name: string; readonly type: string }
  /** The package set has words in its place, and these are they. */
  | { readonly kind: 'removed'; readonly name: string; readonly message: string }
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
 * Resolves names, in the order asked. The derivations are written to the store, nothing is built. Throws a PermanentError
 * where the source is no package set or its evaluation takes more than it may, and a TransientError where the source or
 * something that it pins cannot be had now.
 */
export async function resolve(
  nix: Nix,
  request: ResolveRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<ResolvedItem[]> {
  const { packages } = request;
  const possible = packages.filter(canBeAttribute);
  const items = (await resolvePossible(nix, { ...request, packages: possible }, signal)).values();
  return packages.map(name =>
    canBeAttribute(name) ? nextOf(items, name) : { kind: 'not_found', name, near: [] },
  );
}

function canBeAttribute(name: string): boolean {
  return spellingsOf(name) !== undefined;
}

function nextOf(items: Iterator<ResolvedItem>, name: string): ResolvedItem {
  const { value, done } = items.next();
  if (done === true || value.name !== name) throw new Error(`the resolver lost ${JSON.stringify(name)}`);
  return value;
}

/** What an evaluation says of a name; or that it ended the evaluation, and with which message. */
type Item = AnsweredItem | { readonly name: string; readonly ended: string };

interface Asked {
  readonly items: readonly Item[];
  readonly names: Answer['names'];
}

async function resolvePossible(
  nix: Nix,
  request: ResolveRequest,
  signal: AbortSignal,
): Promise<ResolvedItem[]> {
  const asked = await askForAll();
  const near = await nearPackages(nix, request, asked.items, asked.names, signal);
  return someAtATime(ALONE_AT_A_TIME, asked.items, signal, async (item, stop) => resolved(item, stop));

  async function askForAll(): Promise<Asked> {
    const whole = await evaluateAs('resolve', request.packages, signal);
    if (whole.succeeded) return whole.answer;
    await requirePackageSet(nix, request, signal);
    // One name took the others down: Nix cannot catch everything.
    const each = await someAtATime(ALONE_AT_A_TIME, request.packages, signal, askAlone);
    return {
      items: each.flatMap(({ items }) => items),
      names: Object.fromEntries(each.flatMap(({ names }) => Object.entries(names))),
    };
  }

  async function askAlone(name: string, stop: AbortSignal): Promise<Asked> {
    const one = await evaluateAs('resolve', [name], stop);
    return one.succeeded ? one.answer : { items: [{ name, ended: one.message }], names: {} };
  }

  async function resolved(item: Item, stop: AbortSignal): Promise<ResolvedItem> {
    const { name } = item;
    if ('found' in item) {
      return { kind: 'found', name, ...item.found, attribute: item.found.attribute.join('.') };
    }
    if ('not_found' in item) return { kind: 'not_found', name, near: near.get(name) ?? [] };
    if ('ambiguous' in item)
      return { kind: 'ambiguous', name, candidates: candidatesOf(name, item.ambiguous) };
    if ('not_a_package' in item) return { kind: 'not_a_package', name, type: item.not_a_package.type };
    if ('ended' in item) return { kind: 'failed', name, message: item.ended };
    if ('malformed' in item) {
      return { kind: 'failed', name, message: 'it is no derivation that Nix could build' };
    }
    const message = await explain(name, stop);
    if ('removed' in item) return { kind: 'removed', name, message };
    if ('failed' in item) return { kind: 'failed', name, message };
    return { kind: 'refused', name, reasons: item.refused.reasons, message: withoutAdvice(message) };
  }

  /** Nix's own words on a name whose evaluation it could catch, which loses them. */
  async function explain(name: string, stop: AbortSignal): Promise<string> {
    const explained = await evaluateAs('explain', [name], stop);
    return explained.succeeded ? 'Nix gave no reason' : explained.message;
  }

  async function evaluateAs(
    mode: 'resolve' | 'explain',
    packages: readonly string[],
    stop: AbortSignal,
  ): Promise<Evaluation<Answer>> {
    return evaluate(nix, { ...request, packages, mode }, answerSchema, stop);
  }
}

/** Each with a name that means it and none of the others. */
function candidatesOf(
  name: string,
  {
    attribute,
    candidates,
  }: { readonly attribute: readonly string[]; readonly candidates: readonly string[] },
): WrittenAttribute[] {
  const write = createWriter(candidates);
  const components = name.split('.');
  const before = components.slice(0, attribute.length);
  const after = components.slice(attribute.length + 1);
  return candidates.map(candidate => ({
    attribute: [...attribute, candidate, ...after.map(unescape)].join('.'),
    written: [...before, write(candidate) ?? candidate, ...after].join('.'),
  }));
}
