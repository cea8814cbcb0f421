// What is said when names do not lead to packages: every bad name in one answer.
import { PermanentError } from '#core/errors.ts';
import { META_PACKAGES } from '#core/meta-packages.ts';
import type { FoundItem, ResolvedItem } from './nix/resolve.ts';

type Problem = Exclude<ResolvedItem, FoundItem>;

/**
 * The items, if all that were asked for were found. Others are left out where the package set has none of that name: not
 * every set has certificates. Throws a {@link PermanentError} that names each one that was not found, and why.
 */
export function requireFound(items: readonly ResolvedItem[], asked: readonly string[]): FoundItem[] {
  const found: FoundItem[] = [];
  const problems: Problem[] = [];
  for (const item of items) {
    if (item.kind === 'found') found.push(item);
    else if (asked.includes(item.name) || item.kind !== 'not_found') problems.push(item);
  }
  if (problems.length === 0) return found;
  // Of what ails all packages, those that were asked for are enough to tell.
  const ofAsked = problems.filter(({ name }) => asked.includes(name));
  const told = ofAsked.length > 0 ? ofAsked : problems;
  const exist = told.some(({ kind }) => kind !== 'not_found' && kind !== 'ambiguous');
  throw new PermanentError({ kind: exist ? 'refused' : 'unknown_package', message: describeAll(told) });
}

/** One sentence a problem; names that have the very same one share it. */
function describeAll(problems: readonly Problem[]): string {
  const sentences = new Map<string, string[]>();
  for (const problem of problems) {
    const sentence = describe(problem);
    sentences.set(sentence, [...(sentences.get(sentence) ?? []), `"${problem.name}"`]);
  }
  return [...sentences]
    .map(([sentence, names]) => `${names.join(', ')} ${names.length > 1 ? inPlural(sentence) : sentence}`)
    .join('; ');
}

function inPlural(sentence: string): string {
  return sentence.replace(/^is /, 'are ');
}

/** What follows the name. */
function describe(problem: Problem): string {
  switch (problem.kind) {
    case 'not_found':
      return `is not in the package set${advice(problem)}`;
    case 'ambiguous':
      return `could be any of ${problem.candidates.join(', ')}`;
    case 'not_a_package':
      return `is not a package but a ${problem.type}`;
    case 'refused':
      return `is refused by the package set (${problem.reasons.join(', ')}): ${problem.message}`;
    case 'failed':
      return `cannot be evaluated: ${problem.message}`;
  }
}

function advice({ name, near }: Extract<Problem, { kind: 'not_found' }>): string {
  if (Object.hasOwn(META_PACKAGES, name)) return ` (as a name for more than a package, it has to come first)`;
  return near.length === 0 ? '' : ` (did you mean ${near.join(' or ')}?)`;
}
