// What is said when names do not lead to packages: every bad name in one answer.
import { PermanentError } from '#core/errors.ts';
import type { FoundItem, ResolvedItem } from './nix/resolve.ts';

/** The items, if all were found. Throws a {@link PermanentError} that names each one that was not, and why. */
export function requireFound(items: readonly ResolvedItem[]): FoundItem[] {
  const found: FoundItem[] = [];
  const problems: string[] = [];
  let refused = false;
  for (const item of items) {
    if (item.kind === 'found') {
      found.push(item);
    } else {
      problems.push(describe(item));
      refused ||= item.kind !== 'not_found' && item.kind !== 'ambiguous';
    }
  }
  if (problems.length === 0) return found;
  throw new PermanentError({ kind: refused ? 'refused' : 'unknown_package', message: problems.join('; ') });
}

function describe(item: Exclude<ResolvedItem, FoundItem>): string {
  switch (item.kind) {
    case 'not_found':
      return `"${item.name}" is not in the package set${didYouMean(item.near)}`;
    case 'ambiguous':
      return `"${item.name}" could be any of ${item.candidates.join(', ')}`;
    case 'not_a_package':
      return `"${item.name}" is not a package but a ${item.type}`;
    case 'refused':
      return `"${item.name}" is refused by the package set (${item.reasons.join(', ')}): ${item.message}`;
    case 'failed':
      return `"${item.name}" cannot be evaluated: ${item.message}`;
  }
}

function didYouMean(near: readonly string[]): string {
  return near.length === 0 ? '' : ` (did you mean ${near.join(' or ')}?)`;
}
