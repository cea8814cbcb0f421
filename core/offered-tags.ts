// The tags of a deployment that can be listed: those of its rules, and the branches and tags of its git sources.
import { RegistryError } from './errors.ts';
import { escapeTag } from './escape.ts';
import { byCodeUnits } from './order.ts';
import { formatPackageSource, type PackageSource } from './package-source.ts';
import { tagSchema, type Tag } from './reference.ts';
import { formatSourceAtRef, splitRef } from './source-at-ref.ts';
import { sourceOf, type SourceRule, type SourceRules } from './source-rules.ts';
import { EXAMPLES } from './tag-pattern.ts';

/** The git repositories whose branches and tags are tags of the deployment, each once. */
export function repositoriesIn(rules: SourceRules): PackageSource[] {
  const found = rules.map(repositoryOf).filter(source => source !== undefined);
  return [...new Map(found.map(source => [formatPackageSource(source), source])).values()];
}

/**
 * All tags that can be listed, sorted. `refsOf` knows a repository's branches and tags. A ref is written in the escaped form,
 * and listed where that is a tag and stands for it. What else a wildcard fits nobody can list: commits, channels.
 */
export function offeredTags(
  rules: SourceRules,
  refsOf: (repository: PackageSource) => readonly string[],
): Tag[] {
  const tags = rules.flatMap(rule => {
    const repository = repositoryOf(rule);
    if (repository !== undefined)
      return refsOf(repository).flatMap(ref => tagFor(rules, rule, repository, ref));
    return rule.tags.wildcard === undefined ? [tagSchema.parse(rule.tags.text)] : [];
  });
  return [...new Set(tags)].toSorted(byCodeUnits);
}

/** The repository whose refs a rule makes tags of. */
function repositoryOf(rule: SourceRule): PackageSource | undefined {
  const { address, ref = '' } = splitRef(rule.source);
  const isListable = rule.tags.wildcard === '*' && !address.includes('*') && ref.includes('*');
  return isListable ? rule.at(EXAMPLES['*']).source : undefined;
}

/** Such a name is taken for the commit itself, whatever branch has it. */
const COMMIT = /^[0-9a-f]{40}$/;

function tagFor(rules: SourceRules, rule: SourceRule, source: PackageSource, ref: string): Tag[] {
  const [before = '', after = ''] = (splitRef(rule.source).ref ?? '').split('*');
  const fits = ref.length > before.length + after.length && ref.startsWith(before) && ref.endsWith(after);
  if (!fits || COMMIT.test(ref)) return [];
  const matched = escapeTag(ref.slice(before.length, ref.length - after.length));
  const { data: tag } = tagSchema.safeParse(rule.tags.text.replace('*', () => matched));
  return tag !== undefined && meaning(rules, tag) === formatSourceAtRef({ source, ref }) ? [tag] : [];
}

/** What a tag stands for, by the first rule that fits it: an earlier one may have it stand for another thing, or nothing. */
function meaning(rules: SourceRules, tag: Tag): string | undefined {
  try {
    return formatSourceAtRef(sourceOf(rules, tag));
  } catch (error) {
    if (error instanceof RegistryError) return undefined;
    throw error;
  }
}
