// Which tags a deployment answers, and the package source and ref that each stands for: an operator's list, where the
// first rule that fits a tag counts.
import { ConfigurationError, RegistryError } from './errors.ts';
import { unescapeTag } from './escape.ts';
import { HEAD_REF, isGitRef } from './git-ref.ts';
import { parsePackageSource, withoutCredentials, type PackageSource } from './package-source.ts';
import type { Tag } from './reference.ts';
import { parseSourceAtRef, splitRef, type SourceAtRef } from './source-at-ref.ts';
import {
  EXAMPLES,
  matchTag,
  parseTagPattern,
  wildcardsIn,
  type TagPattern,
  type Wildcard,
} from './tag-pattern.ts';

export interface SourceRule {
  readonly tags: TagPattern;
  /** As it was written: a package source, for git with `#REF` behind it, in which the wildcard of the tags may stand. */
  readonly source: string;
  readonly kind: PackageSource['kind'];
  /** What a tag stands for in which the wildcard stands for `matched`. Throws a {@link RegistryError} where that cannot be. */
  readonly at: (matched: string) => SourceAtRef;
}

export type SourceRules = readonly SourceRule[];

/**
 * Parses `TAGS=SOURCE` rules, separated by white space. Throws a {@link ConfigurationError} that names the rule. Each is
 * tried with an example, so that a bad one is found at the start and not by a client.
 */
export function parseSourceRules(text: string): SourceRules {
  const rules: SourceRule[] = [];
  for (const word of text.split(/\s+/).filter(part => part !== '')) {
    const rule = parseRule(word);
    if (rules.some(({ tags }) => tags.text === rule.tags.text)) {
      throw new ConfigurationError(
        `there are two rules for "${rule.tags.text}", of which only the first would count`,
      );
    }
    rules.push(rule);
  }
  return rules;
}

/**
 * The rules, and behind them those of the default source: it is called `latest`, and of a git repository every ref is a
 * tag too, unless one was chosen by `#REF`. Throws a {@link ConfigurationError} where it is no package source.
 */
export function withDefaultSource(rules: SourceRules, source: string): SourceRules {
  const { ref } = splitRef(source);
  const chosen = parseSourceAtRef(source);
  const { kind } = chosen.source;
  const defaults: SourceRule[] = [{ tags: parseTagPattern('latest'), source, kind, at: () => chosen }];
  if (kind === 'git' && ref === undefined) {
    const at = (matched: string) => ({ source: chosen.source, ref: refOf('*', '*', matched) });
    defaults.push({ tags: parseTagPattern('*'), source: `${source}#*`, kind, at });
  }
  const taken = new Set(rules.map(({ tags }) => tags.text));
  return [...rules, ...defaults.filter(({ tags }) => !taken.has(tags.text))];
}

/** The kinds of sources that the rules and the default source can lead to. */
export function sourceKinds(rules: SourceRules, source: string): ReadonlySet<PackageSource['kind']> {
  return new Set(withDefaultSource(rules, source).map(({ kind }) => kind));
}

/** What a tag stands for. Throws a {@link RegistryError} for one that is not offered; it lists those that are. */
export function sourceOf(rules: SourceRules, tag: Tag): SourceAtRef {
  for (const rule of rules) {
    const matched = matchTag(rule.tags, tag);
    if (matched !== undefined) return rule.at(matched);
  }
  const offered = rules.map(({ tags, source }) => `"${tags.text}" (${source})`);
  throw new RegistryError(404, 'MANIFEST_UNKNOWN', `there is no tag "${tag}" here, but ${listOf(offered)}`);
}

function parseRule(text: string): SourceRule {
  const equals = text.indexOf('=');
  if (equals < 1 || equals === text.length - 1) {
    throw new ConfigurationError(
      `"${withoutCredentials(text)}" is not a rule: write TAGS=SOURCE, as in unstable=channel:nixos-unstable`,
    );
  }
  const pattern = text.slice(0, equals);
  try {
    return ruleOf(parseTagPattern(pattern), text.slice(equals + 1));
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new ConfigurationError(`the rule for "${withoutCredentials(pattern)}": ${error.message}`);
  }
}

function ruleOf(tags: TagPattern, written: string): SourceRule {
  const { wildcard } = tags;
  const foreign = wildcardsIn(written).find(one => one !== wildcard);
  if (foreign !== undefined) throw new ConfigurationError(`${foreign} is in its source and not in its tags`);
  const { address, ref = defaultRef(address, wildcard) } = splitRef(written);
  if (wildcard !== undefined) requireInPath(address, wildcard);
  const example = substituted(address, wildcard, EXAMPLES[wildcard ?? '*']);
  const { source } = parseSourceAtRef(
    ref === undefined ? example : `${example}#${substituted(ref, wildcard, EXAMPLES[wildcard ?? '*'])}`,
  );
  const isFixed = wildcard === undefined || !address.includes(wildcard);
  return {
    tags,
    source: ref === undefined ? address : `${address}#${ref}`,
    kind: source.kind,
    at: matched => ({
      source: isFixed ? source : sourceWith(address, wildcard, matched),
      ref: ref === undefined ? HEAD_REF : refOf(ref, wildcard, matched),
    }),
  };
}

/** Of a git repository the wildcard is the ref, if it is nothing else; of others all these tags mean the same. */
function defaultRef(address: string, wildcard: Wildcard | undefined): string | undefined {
  return address.startsWith('git:') && wildcard !== undefined && !address.includes(wildcard)
    ? wildcard
    : undefined;
}

/** Of an address what says who is asked, and how: none of this is a client's to choose. */
const BEFORE_PATH =
  /^(?:channel:|path:\/|git:(?:\/|[a-z]+:\/\/[^/]*\/|[^/:]+:(?!\/\/))|flake:[a-z][a-z0-9+]*:(?:(?!\/\/)|\/\/[^/]*\/))/;

function requireInPath(address: string, wildcard: Wildcard): void {
  const at = address.indexOf(wildcard);
  if (at >= 0 && !BEFORE_PATH.test(address.slice(0, at))) {
    throw new ConfigurationError(`${wildcard} may stand in the path of its source, not before it`);
  }
}

/** Text that may take the place of a wildcard in an address: no way out of the folder or the path it stands in. */
const HARMLESS = /^[A-Za-z0-9_](?!.*\.\.)(?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?$/;

/** As a part of an address a tag's text is taken as it is, and refused where it could lead out of its place. */
function sourceWith(address: string, wildcard: Wildcard, matched: string): PackageSource {
  if (HARMLESS.test(matched)) {
    try {
      return parsePackageSource(substituted(address, wildcard, matched));
    } catch (error) {
      // The rule itself was tried when it was parsed: it is the tag that cannot be.
      if (!(error instanceof ConfigurationError)) throw error;
    }
  }
  throw new RegistryError(404, 'MANIFEST_UNKNOWN', `there is no package source for "${matched}"`);
}

/** As a ref a tag's text is unescaped first: refs have slashes, and tags have not. */
function refOf(written: string, wildcard: Wildcard | undefined, matched: string): string {
  const ref = substituted(written, wildcard, unescapeTag(matched));
  if (isGitRef(ref)) return ref;
  throw new RegistryError(404, 'MANIFEST_UNKNOWN', `git can have no branch, tag or commit "${ref}"`);
}

function substituted(text: string, wildcard: Wildcard | undefined, value: string): string {
  return wildcard === undefined ? text : text.replaceAll(wildcard, () => value);
}

/** `a, b and c` */
function listOf(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}
