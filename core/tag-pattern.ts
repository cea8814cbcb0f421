// Patterns of tags, as an operator writes them: a tag, in which one wildcard may stand.
import { ConfigurationError } from './errors.ts';
import { tagSchema } from './reference.ts';

/** `*` stands for any text, `{commit}` for the 40 hexadecimal digits of a commit. */
export type Wildcard = '*' | '{commit}';

export interface TagPattern {
  /** As it was written. */
  readonly text: string;
  readonly wildcard: Wildcard | undefined;
}

const WILDCARD = /\*|\{commit\}/g;

/** The wildcards in a text, in order. */
export function wildcardsIn(text: string): Wildcard[] {
  return (text.match(WILDCARD) ?? []).map(one => (one === '*' ? one : '{commit}'));
}

/** A text that each wildcard may stand for. */
export const EXAMPLES: Readonly<Record<Wildcard, string>> = { '*': 'x', '{commit}': '0'.repeat(40) };

/** Parses a pattern. Throws a {@link ConfigurationError} that says what is wrong with it, and does not repeat it. */
export function parseTagPattern(text: string): TagPattern {
  const [wildcard, ...others] = wildcardsIn(text);
  if (others.length > 0) throw new ConfigurationError('it has more than one wildcard in its tags');
  const example = wildcard === undefined ? text : text.replace(wildcard, EXAMPLES[wildcard]);
  if (!tagSchema.safeParse(example).success) {
    throw new ConfigurationError(
      'it fits no tag: a tag has at most 128 characters, letters, digits, "_", "." and "-"',
    );
  }
  return { text, wildcard };
}

/** What the wildcard stands for in a tag: '' where the pattern has none. Undefined for a tag that does not fit. */
export function matchTag({ text, wildcard }: TagPattern, tag: string): string | undefined {
  if (wildcard === undefined) return text === tag ? '' : undefined;
  const [before = '', after = ''] = text.split(wildcard);
  const isLonger = tag.length > before.length + after.length;
  if (!isLonger || !tag.startsWith(before) || !tag.endsWith(after)) return undefined;
  const matched = tag.slice(before.length, tag.length - after.length);
  return wildcard === '*' || /^[0-9a-f]{40}$/.test(matched) ? matched : undefined;
}
