// Packages that someone may have meant whose name is not there.
import { PermanentError } from '#core/errors.ts';
import { createMatcher, NEAR_LIMIT, sameLastComponent } from './near-matches.ts';
import type { Nix } from './nix.ts';
import { lookSchema, type Answer, type AnsweredItem } from './resolve-answer.ts';
import { evaluate, type EvaluationRequest } from './resolve-evaluation.ts';
import type { WrittenAttribute } from './written-attribute.ts';

/**
 * For each name that was not found, at most three packages that are there: those that are written nearly so, and then those
 * that have the same last component. `names` are the members of the sets, by attribute, that have not what was wanted.
 */
export async function nearPackages(
  nix: Nix,
  request: Omit<EvaluationRequest, 'mode'>,
  items: readonly (AnsweredItem | { readonly name: string })[],
  names: Answer['names'],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly WrittenAttribute[]>> {
  const missing = items.filter(item => 'not_found' in item);
  if (missing.length === 0) return new Map();
  const topLevel = names[''] ?? [];
  const matchers = new Map<string, ReturnType<typeof createMatcher>>();
  const guesses = missing.map(({ name, not_found: { attribute } }) => {
    const key = attribute.join('.');
    const matcher = matchers.get(key) ?? createMatcher(attribute, names[key] ?? []);
    matchers.set(key, matcher);
    const alike = matcher(name);
    const known = new Set(alike.map(({ written }) => written));
    const elsewhere = sameLastComponent(name, topLevel).filter(({ written }) => !known.has(written));
    return { name, near: [...alike, ...elsewhere] };
  });
  const wanted = new Set(guesses.flatMap(({ near }) => near.map(({ written }) => written)));
  const there = await look([...wanted]);
  return new Map(
    guesses.map(({ name, near }) => [
      name,
      near.filter(({ written }) => there.has(written)).slice(0, NEAR_LIMIT),
    ]),
  );

  async function look(packages: readonly string[]): Promise<ReadonlySet<string>> {
    if (packages.length === 0) return new Set();
    try {
      const looked = await evaluate(nix, { ...request, packages, mode: 'look' }, lookSchema, signal);
      if (!looked.succeeded) return new Set();
      return new Set(looked.answer.items.filter(item => item.there).map(item => item.name));
    } catch (error) {
      // That a neighbour takes too much is no reason to say so of a name that is not there.
      if (error instanceof PermanentError) return new Set();
      throw error;
    }
  }
}
