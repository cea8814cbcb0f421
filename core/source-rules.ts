// Which tags a deployment answers, and the package source and ref that each stands for: an operator's list, where the
// first rule that fits a tag counts.
import { ConfigurationError, RegistryError } from './errors.ts';
import { unescape } from './escape.ts';
import { HEAD_REF, isGitRef } from './git-ref.ts';
import { formatPackageSource, parsePackageSource, type PackageSource } from './package-source.ts';
import type { Tag } from './reference.ts';

/** A package source and a ref of it: what a tag stands for. */
export interface SourceAtRef {
  readonly source: PackageSource;
  /** For a git source a branch, a tag, a commit, or {@link HEAD_REF}; for the others always `latest`. */
  readonly ref: string;
}

export interface SourceRule {
  /** A tag, in which one wildcard may stand: `*` for any text, `{commit}` for 40 hexadecimal digits. */
  readonly tags: string;
  /** A package source, in which the same wildcard stands for what it was in the tag; for git with `#REF` behind it. */
  readonly source: string;
}

export type SourceRules = readonly SourceRule[];

const WILDCARD = /\*|\{commit\}/g;

/** Text that may take the place of a wildcard in an address: no way out of the folder or the path it stands in. */
const HARMLESS = /^[A-Za-z0-9_](?!.*\.\.)[A-Za-z0-9._-]*$/;

/**
 * Parses `TAGS=SOURCE` rules, separated by white space. Throws a {@link ConfigurationError} that names the rule. Each is tried
 * with an example, so that a bad one is found at the start and not by a client.
 */
export function parseSourceRules(text: string): SourceRules {
  return text
    .split(/\s+/)
    .filter(rule => rule !== '')
    .map(parseRule);
}

/**
 * The rules for a deployment with one source: it is called `latest`. Of a git repository every ref is a tag too, unless one
 * was chosen by `#REF`.
 */
export function defaultRules(source: string): SourceRules {
  const { source: parsed } = parseSourceAtRef(source);
  const latest = { tags: 'latest', source };
  return parsed.kind === 'git' && !source.includes('#')
    ? [latest, { tags: '*', source: `${source}#*` }]
    : [latest];
}

/** What a tag stands for. Throws a {@link RegistryError} for one that is not offered; it lists those that are. */
export function sourceOf(rules: SourceRules, tag: Tag): SourceAtRef {
  for (const rule of rules) {
    const matched = match(rule, tag);
    if (matched !== undefined) return applied(rule, matched);
  }
  throw new RegistryError(
    404,
    'MANIFEST_UNKNOWN',
    `there is no tag "${tag}" here, but ${describeRules(rules)}`,
  );
}

/** `"latest" (channel:nixos-26.05) and "nixos-*" (channel:nixos-*)`. */
export function describeRules(rules: SourceRules): string {
  const described = rules.map(({ tags, source }) => `"${tags}" (${source})`);
  return described.length < 2
    ? described.join('')
    : `${described.slice(0, -1).join(', ')} and ${described.at(-1)}`;
}

/** Parses a package source with, for git, `#REF` behind it. Throws a {@link ConfigurationError}. */
export function parseSourceAtRef(text: string): SourceAtRef {
  const hash = text.startsWith('git:') ? text.indexOf('#') : -1;
  if (hash < 0) return { source: parsePackageSource(text), ref: HEAD_REF };
  const ref = text.slice(hash + 1);
  if (!isGitRef(ref)) throw new ConfigurationError(`"#${ref}" is no ref that git could have`);
  return { source: parsePackageSource(text.slice(0, hash)), ref };
}

/** The inverse of {@link parseSourceAtRef}. */
export function formatSourceAtRef({ source, ref }: SourceAtRef): string {
  return ref === HEAD_REF ? formatPackageSource(source) : `${formatPackageSource(source)}#${ref}`;
}

const EXAMPLES: Readonly<Record<string, string>> = { '*': 'x', '{commit}': '0'.repeat(40) };

function parseRule(text: string): SourceRule {
  const equals = text.indexOf('=');
  const rule = { tags: text.slice(0, Math.max(equals, 0)), source: text.slice(equals + 1) };
  const wildcards = rule.tags.match(WILDCARD) ?? [];
  const literal = rule.tags.replaceAll(WILDCARD, '');
  if (equals < 1 || !/^[A-Za-z0-9._-]*$/.test(literal) || /^[.-]/.test(rule.tags)) {
    throw new ConfigurationError(
      `"${text}" is not a rule: write TAGS=SOURCE, as in unstable=channel:nixos-unstable`,
    );
  }
  if (wildcards.length > 1)
    throw new ConfigurationError(`the rule "${text}" has more than one wildcard in its tags`);
  const [wildcard] = wildcards;
  const foreign = rule.source.match(WILDCARD)?.find(one => one !== wildcard);
  if (foreign !== undefined) {
    throw new ConfigurationError(`the rule "${text}" has ${foreign} in its source and not in its tags`);
  }
  // Of a git repository the wildcard is the ref; of others all these tags mean the same, as with Nixery.
  const isRef = rule.source.startsWith('git:') && !rule.source.includes('#');
  if (isRef && wildcard !== undefined && !rule.source.includes(wildcard)) {
    return parseRule(`${text}#${wildcard}`);
  }
  try {
    parseSourceAtRef(substituted(rule.source, wildcard, EXAMPLES[wildcard ?? ''] ?? ''));
  } catch (error) {
    if (error instanceof ConfigurationError)
      throw new ConfigurationError(`the rule for "${rule.tags}": ${error.message}`);
    throw error;
  }
  return rule;
}

/** What the wildcard of a rule stands for in a tag: nothing where it has none; undefined where the rule does not fit. */
function match({ tags }: SourceRule, tag: Tag): string | undefined {
  const [wildcard] = tags.match(WILDCARD) ?? [];
  if (wildcard === undefined) return tags === tag ? '' : undefined;
  const [before = '', after = ''] = tags.split(wildcard);
  if (tag.length <= before.length + after.length || !tag.startsWith(before) || !tag.endsWith(after))
    return undefined;
  const matched = tag.slice(before.length, tag.length - after.length);
  return wildcard === '*' || /^[0-9a-f]{40}$/.test(matched) ? matched : undefined;
}

/**
 * A rule's source with what its wildcard stood for. As a part of an address that is taken as it is, and refused where it
 * could lead out of it; as a ref of git it is unescaped first, for refs have slashes and tags have not.
 */
function applied(rule: SourceRule, matched: string): SourceAtRef {
  const [wildcard] = rule.tags.match(WILDCARD) ?? [];
  const hash = rule.source.startsWith('git:') ? rule.source.indexOf('#') : -1;
  const address = hash < 0 ? rule.source : rule.source.slice(0, hash);
  const source = sourceWith(address, wildcard, matched);
  if (hash < 0) return { source, ref: HEAD_REF };
  const ref = substituted(rule.source.slice(hash + 1), wildcard, unescape(matched));
  if (isGitRef(ref)) return { source, ref };
  throw new RegistryError(400, 'TAG_INVALID', `git could have no branch, tag or commit called "${ref}"`);
}

function sourceWith(address: string, wildcard: string | undefined, matched: string): PackageSource {
  const isPart = wildcard !== undefined && address.includes(wildcard);
  if (!isPart || HARMLESS.test(matched)) {
    try {
      return parsePackageSource(substituted(address, wildcard, matched));
    } catch (error) {
      // The rule itself was tried when it was parsed: it is the tag that cannot be.
      if (!(error instanceof ConfigurationError)) throw error;
    }
  }
  throw new RegistryError(400, 'TAG_INVALID', `"${matched}" cannot be part of a package source`);
}

function substituted(text: string, wildcard: string | undefined, value: string): string {
  return wildcard === undefined ? text : text.replaceAll(wildcard, () => value);
}
