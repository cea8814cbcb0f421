// What is said when names do not lead to packages: every bad name in one answer.
import { PermanentError } from '#core/errors.ts';
import type { FoundItem, ResolvedItem } from './nix/resolve.ts';

type Problem = Exclude<ResolvedItem, FoundItem>;

/** The items, if all were found. Throws a {@link PermanentError} that names each one that was not, and why. */
export function requireFound(items: readonly ResolvedItem[]): FoundItem[] {
  const found: FoundItem[] = [];
  const problems: Problem[] = [];
  for (const item of items) {
    if (item.kind === 'found') found.push(item);
    else problems.push(item);
  }
  if (problems.length === 0) return found;
  const exist = problems.some(({ kind }) => kind !== 'not_found' && kind !== 'ambiguous');
  throw new PermanentError({ kind: exist ? 'refused' : 'unknown_package', message: describeAll(problems) });
}

/** One sentence a problem; names that have the very same one share it. */
function describeAll(problems: readonly Problem[]): string {
  const sentences = new Map<string, string[]>();
  for (const problem of problems) {
    const sentence = describe(problem);
    sentences.set(sentence, [...(sentences.get(sentence) ?? []), `"${problem.name}"`]);
  }
  return [...sentences].map(([sentence, names]) => `${names.join(', ')} ${sentence}`).join('; ');
}

/** What follows the name. */
function describe(problem: Problem): string {
  switch (problem.kind) {
    case 'not_found':
      return `is not in the package set${didYouMean(problem.near)}`;
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

function didYouMean(near: readonly string[]): string {
  return near.length === 0 ? '' : ` (did you mean ${near.join(' or ')}?)`;
}
