import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { isGitRef } from '#core/git-ref.ts';
import { offeredTags, repositoriesIn } from '#core/offered-tags.ts';
import { formatPackageSource, type PackageSource } from '#core/package-source.ts';
import { formatSourceAtRef } from '#core/source-at-ref.ts';
import { parseSourceRules, sourceOf, withDefaultSource, type SourceRules } from '#core/source-rules.ts';

const REPOSITORY = 'git:https://example.org/set';
const OTHER = 'git:https://example.org/other';

/** The tags of some rules, where the repositories have these refs. */
function tags(rules: SourceRules, refs: Readonly<Record<string, readonly string[]>> = {}): string[] {
  return offeredTags(rules, source => refs[formatPackageSource(source)] ?? []);
}

describe('the tags that can be listed', () => {
  test('are those of rules without a wildcard, sorted', () => {
    const rules = withDefaultSource(parseSourceRules('v1=channel:a stable=channel:b 26.05=debian'), 'debian');
    assert.deepEqual(tags(rules), ['26.05', 'latest', 'stable', 'v1']);
  });

  test('are of a git repository its branches and tags, as they are written in tags', () => {
    const refs = ['main', 'feature/x', 'v1.0', 'a__2fb', 'a+b', 'c++', '_x', 'under___2f', 'ü'];
    assert.deepEqual(tags(withDefaultSource([], REPOSITORY), { [REPOSITORY]: refs }), [
      '_x',
      'a__2bb',
      'a__5f_2fb',
      'c__2b__2b',
      'feature__2fx',
      'latest',
      'main',
      'under__5f__5f_2f',
      'v1.0',
    ]);
  });

  test('are not what no tag could be, or what would stand for another thing', () => {
    const commit = '0123456789abcdef0123456789abcdef01234567';
    const rules = withDefaultSource(parseSourceRules(`main=channel:a nixos-*=channel:nixos-*`), REPOSITORY);
    const refs = ['x'.repeat(129), commit, 'main', 'nixos-1', 'nixos-a/b', 'latest', 'kept', '-dash', 'a..b'];
    assert.deepEqual(tags(rules, { [REPOSITORY]: refs }), ['kept', 'latest', 'main']);
  });

  test('are of a rule with a part of a ref the refs that have this part', () => {
    const rules = parseSourceRules(`release-*-x=${REPOSITORY}#releases/*/end *=${OTHER}`);
    const refs = ['releases/1.0/end', 'releases//end', 'releases/2.0', 'main'];
    assert.deepEqual(tags(rules, { [REPOSITORY]: refs, [OTHER]: ['main', 'release-y-x'] }), [
      'main',
      'release-1.0-x',
    ]);
  });

  test('are none of rules whose tags are commits, channels or parts of an address', () => {
    const rules = parseSourceRules(
      `c-{commit}=${REPOSITORY} nixos-*=channel:nixos-* o-*=git:https://example.org/*`,
    );
    assert.deepEqual(repositoriesIn(rules), []);
    assert.deepEqual(tags(rules), []);
  });

  test('come from each repository once, however many rules have it', () => {
    const rules = parseSourceRules(`a-*=${REPOSITORY}#a/* b-*=${REPOSITORY}#b/* *=${OTHER}`);
    assert.deepEqual(repositoriesIn(rules).map(formatPackageSource), [REPOSITORY, OTHER]);
  });

  test('stand for what they were made of, whatever refs there are', () => {
    const rules = withDefaultSource(
      parseSourceRules(`x-*=${OTHER} v*=channel:v* r*=${REPOSITORY}#r/*`),
      REPOSITORY,
    );
    const unit = fc.constantFrom(
      'a',
      'F',
      '0',
      '2',
      'f',
      '_',
      '__',
      '-',
      '.',
      '/',
      '+',
      'v',
      'r/',
      'x-',
      '__2f',
    );
    const ref = fc.string({ unit, minLength: 1, maxLength: 12 }).filter(isGitRef);
    const repository: PackageSource = { kind: 'git', url: 'https://example.org/set' };
    fc.assert(
      fc.property(fc.array(ref), refs => {
        const listed = tags(rules, { [REPOSITORY]: refs });
        const meant = new Set(listed.map(tag => formatSourceAtRef(sourceOf(rules, tag as never))));
        for (const one of refs) {
          // What begins as an earlier rule's tags is that rule's, and what is r/… has two tags.
          if (/^[xvr]/.test(one)) continue;
          assert.ok(meant.has(formatSourceAtRef({ source: repository, ref: one })), one);
        }
        assert.equal(listed.length, new Set(listed).size);
      }),
    );
  });
});
