// What is said when names do not lead to packages: every bad name in one answer.
import { unescape } from '#core/escape.ts';
import { PermanentError } from '#core/errors.ts';
import { META_PACKAGES } from '#core/meta-packages.ts';
import type { FoundItem, ResolvedItem } from './nix/resolve.ts';
import type { WrittenAttribute } from './nix/written-attribute.ts';

type Problem = Exclude<ResolvedItem, FoundItem>;

/** The names that an image is to have. */
export interface Wanted {
  /** Those of its own name. */
  readonly asked: readonly string[];
  /** Those that the deployment gives to every image. */
  readonly contents: readonly string[];
}

/**
 * The items, if all that are wanted were found. Others are left out where the package set has none of that name: not every
 * set has certificates. Throws a {@link PermanentError} that names each one that was not found, and why.
 */
export function requireFound(items: readonly ResolvedItem[], { asked, contents }: Wanted): FoundItem[] {
  const found: FoundItem[] = [];
  const problems: Problem[] = [];
  for (const item of items) {
    const isWanted = asked.includes(item.name) || contents.includes(item.name);
    if (item.kind === 'found') found.push(item);
    else if (isWanted || item.kind !== 'not_found') problems.push(item);
  }
  if (problems.length === 0) return found;
  // Of what ails all packages, those that were asked for are enough to tell; then the operator's own.
  const ofAsked = problems.filter(({ name }) => asked.includes(name));
  if (ofAsked.length > 0) {
    const kind = ofAsked.some(existsAndFailed) ? 'refused' : 'unknown_package';
    throw new PermanentError({ kind, message: describeAll(ofAsked, '') });
  }
  // No mistake in the name that was asked for: what is there is refused.
  const ofContents = problems.filter(({ name }) => contents.includes(name));
  const message =
    ofContents.length > 0
      ? describeAll(ofContents, "the deployment's own package")
      : describeAll(problems, "every image's package");
  throw new PermanentError({ kind: 'refused', message });
}

function existsAndFailed({ kind }: Problem): boolean {
  return kind !== 'not_found' && kind !== 'ambiguous';
}

/** What is kept of it all, in characters: each package may have its own long story. */
const MESSAGE_LIMIT = 8000;

/** One sentence a problem, that begins with whose packages they are; names that have the very same one share it. */
function describeAll(problems: readonly Problem[], whose: string): string {
  let told = '';
  let left = problems.length;
  for (const [sentence, alike] of Map.groupBy(problems, describe)) {
    const several = alike.length > 1;
    const owner = whose === '' ? '' : `${whose}${several ? 's' : ''} `;
    const names = alike.map(({ name }) => `"${name}"`).join(', ');
    const next = `${told === '' ? '' : '; '}${owner}${names} ${several ? inPlural(sentence) : sentence}`;
    if (told !== '' && told.length + next.length > MESSAGE_LIMIT) return `${told}; and ${left} more`;
    told += next;
    left -= alike.length;
  }
  return told;
}

function inPlural(sentence: string): string {
  return sentence.replace(/^is /, 'are ').replace(/^has /, 'have ');
}

/** What follows the name. */
function describe(problem: Problem): string {
  switch (problem.kind) {
    case 'not_found':
      return `is not in the package set${advice(problem)}`;
    case 'ambiguous':
      return `could be any of ${problem.candidates.map(readable).join(', ')}`;
    case 'not_a_package':
      return `is not a package but a ${TYPES[problem.type] ?? problem.type}`;
    case 'removed':
      return `is not to be had, says the package set: ${problem.message}`;
    case 'refused':
      return `${refusal(problem)}: ${problem.message}`;
    case 'failed':
      return `cannot be evaluated: ${problem.message}`;
  }
}

/** Nix's types, where its own word is not one that people know. */
const TYPES: Readonly<Record<string, string>> = {
  set: 'set of attributes',
  lambda: 'function',
  int: 'number',
  float: 'number',
  bool: 'truth value',
  null: 'null',
};

/** For each reason of nixpkgs', what it means here; the package set's own text follows. */
const REFUSALS: Readonly<Record<string, string>> = {
  unfree: 'has an unfree license, and this registry does not allow those',
  broken: 'is marked as broken',
  insecure: 'is marked as insecure, and this registry does not allow that',
  unsupported: 'is not available on this platform',
};

function refusal({ reasons }: Extract<Problem, { kind: 'refused' }>): string {
  return reasons.map(reason => REFUSALS[reason] ?? `is refused (${reason})`).join(' and ');
}

function advice({ name, near }: Extract<Problem, { kind: 'not_found' }>): string {
  if (Object.hasOwn(META_PACKAGES, name)) return ` (as a name for more than a package, it has to come first)`;
  return near.length === 0 ? '' : ` (did you mean ${near.map(readable).join(' or ')}?)`;
}

/** As it is written in an image's name; where that takes escapes, what it stands for comes first. */
function readable({ attribute, written }: WrittenAttribute): string {
  return written.split('.').every(component => unescape(component) === component)
    ? written
    : `${attribute} (written ${written})`;
}
