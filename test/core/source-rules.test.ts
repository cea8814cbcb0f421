import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ConfigurationError, RegistryError } from '#core/errors.ts';
import { isGitRef } from '#core/git-ref.ts';
import { parseTag } from '#core/reference.ts';
import { formatSourceAtRef } from '#core/source-at-ref.ts';
import { parseSourceRules, sourceOf, withDefaultSource, type SourceRules } from '#core/source-rules.ts';
import { tag } from './arbitraries.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const URL = 'https://example.org/set.git';

/** What a tag stands for, as DERIVERY_SOURCE would have it; or the refusal's code and message. */
function meaning(rules: SourceRules, text: string): string {
  try {
    return formatSourceAtRef(sourceOf(rules, parseTag(text)));
  } catch (error) {
    assert.ok(error instanceof RegistryError, String(error));
    assert.deepEqual([error.status, error.code], [404, 'MANIFEST_UNKNOWN']);
    return `404: ${error.message}`;
  }
}

function ruleProblem(text: string): string {
  try {
    parseSourceRules(text);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError, String(error));
    return error.message;
  }
  return assert.fail(`${text} is taken`);
}

describe('source rules', () => {
  const cases: readonly [rules: string, tag: string, meaning: string | RegExp][] = [
    ['nixos-26.05=channel:nixos-26.05', 'nixos-26.05', 'channel:nixos-26.05'],
    ['unstable=channel:nixos-unstable', 'unstable', 'channel:nixos-unstable'],
    ['nixos-*=channel:nixos-*', 'nixos-25.11', 'channel:nixos-25.11'],
    ['{commit}=channel:{commit}', COMMIT, `channel:${COMMIT}`],
    ['{commit}=channel:{commit}', 'abc', /^404: there is no tag "abc" here/],
    // Where the source has no wildcard, all these tags mean the same.
    ['set-*=debian', 'set-x', 'debian'],
    ['set-*=path:/srv/set', 'set-..', 'path:/srv/set'],
    ['set-*=path:/srv/sets/*', 'set-a', 'path:/srv/sets/a'],
    ['pr-*=flake:github:NixOS/nixpkgs/*', 'pr-main', 'flake:github:NixOS/nixpkgs/main'],
    ['{commit}=flake:github:NixOS/nixpkgs/{commit}', COMMIT, `flake:github:NixOS/nixpkgs/${COMMIT}`],
    // Of git the wildcard is the ref, where it is nothing else.
    [`*=git:${URL}`, 'main', `git:${URL}#main`],
    [`*=git:${URL}`, 'latest', `git:${URL}`],
    [`*=git:${URL}`, COMMIT, `git:${URL}#${COMMIT}`],
    [`*=git:${URL}`, 'feature__2fx', `git:${URL}#feature/x`],
    [`*=git:${URL}`, '__30__2fx', `git:${URL}#0/x`],
    [`*=git:${URL}`, '0__2fx', `git:${URL}#0/x`],
    [`git-*=git:${URL}`, 'git-v1.0', `git:${URL}#v1.0`],
    [`{commit}=git:${URL}`, COMMIT, `git:${URL}#${COMMIT}`],
    [`{commit}=git:${URL}`, 'main', /^404/],
    [`release-*=git:${URL}#release/*`, 'release-1', `git:${URL}#release/1`],
    [`pr-*=git:${URL}#refs/pull/*/head`, 'pr-12', `git:${URL}#refs/pull/12/head`],
    [`stable=git:${URL}#v1.0`, 'stable', `git:${URL}#v1.0`],
    [`head=git:${URL}`, 'head', `git:${URL}`],
    ['of-*=git:https://example.org/*.git', 'of-set', `git:${URL}`],
    ['of-*=git:git@example.org:sets/*', 'of-a', 'git:git@example.org:sets/a'],
    // The first that fits counts.
    [`a-b=debian a-*=git:${URL}`, 'a-b', 'debian'],
    [`a-*=git:${URL} a-b=debian`, 'a-b', `git:${URL}#b`],
    ['a=debian\n\tb=path:/b\n', 'b', 'path:/b'],
    ['', 'latest', /^404/],
  ];
  for (const [rules, text, expected] of cases) {
    test(`"${rules.trim()}" for ${text}`, () => {
      const actual = meaning(parseSourceRules(rules), text);
      if (typeof expected === 'string') assert.equal(actual, expected);
      else assert.match(actual, expected);
    });
  }

  test('a tag that is not offered is told which are', () => {
    const rules = withDefaultSource(
      parseSourceRules('unstable=channel:nixos-unstable nixos-*=channel:nixos-*'),
      'debian',
    );
    assert.equal(
      meaning(rules, 'nope'),
      '404: there is no tag "nope" here, but "unstable" (channel:nixos-unstable), "nixos-*" (channel:nixos-*) and "latest" (debian)',
    );
  });

  const notRules: readonly [rule: string, problem: RegExp][] = [
    ['unstable', /"unstable" is not a rule: write TAGS=SOURCE, as in unstable=channel:nixos-unstable/],
    ['=debian', /"=debian" is not a rule/],
    ['a=', /"a=" is not a rule/],
    ['a/b=debian', /the rule for "a\/b": it fits no tag/],
    ['-a=debian', /the rule for "-a": it fits no tag/],
    ['a*b*=debian', /the rule for "a\*b\*": it has more than one wildcard/],
    ['a=channel:*', /the rule for "a": \* is in its source and not in its tags/],
    ['a-*=channel:{commit}', /the rule for "a-\*": \{commit\} is in its source/],
    ['a=nowhere', /the rule for "a": "nowhere" is not a package source: use channel:NAME/],
    ['a=channel:../b', /the rule for "a": "channel:\.\.\/b" is not a package source/],
    ['a=path:relative', /the rule for "a": "path:relative" is not a package source/],
    ['a=flake:nixpkgs', /the rule for "a": the address behind "flake:" is not a full flake reference/],
    [`a=git:${URL}#`, /the rule for "a": "#" is no ref/],
    [`a=git:${URL}#a..b`, /the rule for "a": "#a\.\.b" is no ref/],
    [`a-*=git:${URL}#*.lock`, /the rule for "a-\*": "#x\.lock" is no ref/],
    ['a=git:ext::id', /the rule for "a": the address behind "git:" is none that git reads/],
    ['a=debian a=path:/a', /there are two rules for "a"/],
    // Who is asked, and how, is not a client's to choose.
    ['a-*=git:https://*/set', /the rule for "a-\*": \* may stand in the path of its source, not before it/],
    ['a-*=git:https://example.*/set', /in the path/],
    ['a-*=git:*://example.org/set', /in the path/],
    ['a-*=git:*@example.org:set', /in the path/],
    ['a-*=git:git@*:set', /in the path/],
    ['a-*=git:*', /in the path/],
    ['a-*=path:*', /in the path/],
    ['a-*=flake:*', /in the path/],
    ['a-*=flake:git+https://*/x', /in the path/],
    ['a-*=*', /in the path/],
    ['a-*=*:x', /in the path/],
    ['a-*=chan*:x', /in the path/],
    ['a-*=debian*', /in the path/],
  ];
  for (const [rule, problem] of notRules) {
    test(`"${rule}" is found at the start`, () => assert.match(ruleProblem(rule), problem));
  }

  test('what is wrong with a rule shows no password', () => {
    for (const rule of [
      'git:https://u:hunter2@h/x',
      'a=git:https://u:hunter2@h/x',
      'a=https://u:hunter2@h/x',
      'https://u:hunter2@h/x=debian',
      'a=flake:git+https://u:hunter2@h/x',
      'git:https://u:hunter2@h/?a=debian',
    ])
      assert.doesNotMatch(ruleProblem(rule), /hunter2/);
  });

  const refused: readonly [rules: string, tags: readonly string[]][] = [
    ['x*=path:/srv/sets/*', ['x..', 'x.', 'x-', 'x.hidden', 'xa..b', 'x-a']],
    ['x*=channel:*', ['x-a', 'x.', `x${'a'.repeat(101)}`]],
    ['x*=git:/srv/*.git', ['x..', 'x--upload-pack', 'x.git']],
    ['x*=flake:github:NixOS/*', ['x..', 'x-']],
    [`x*=git:${URL}`, ['x..', 'x-a', 'xa..b', 'x__2d-a', 'xa.lock', 'x__2fa', 'xa__2f', 'xa__2f__2fb', 'xa__3ab', 'xa__7eb',
      'x__40', 'xa__40__7b1__7d', 'xa__2a', 'xa__2f..__2fb', 'xa.']],
  ]; // prettier-ignore
  for (const [rules, tags] of refused) {
    for (const text of tags) {
      test(`"${rules}" gives nothing for ${text.slice(0, 30)}`, () => {
        assert.match(
          meaning(parseSourceRules(rules), text),
          /^404: (there is no package source for|git can have no)/,
        );
      });
    }
  }

  const hostileTag = fc.oneof(
    tag,
    fc
      .array(
        fc.constantFrom(
          'a',
          'B',
          '..',
          '.',
          '-',
          '_',
          '__2f',
          '__2e',
          '__2d',
          '__23',
          '__40',
          '__3a',
          '.lock',
          '0',
        ),
        {
          minLength: 1,
          maxLength: 8,
        },
      )
      .map(parts => `x${parts.join('')}`),
    fc.constantFrom(COMMIT, `x${COMMIT}`, 'latest', 'xlatest'),
  );

  test('T19: nothing that a client sends leads to another source than a rule’s', () => {
    const rules = parseSourceRules(
      'xp*=path:/srv/p/* xc*=channel:c-* xf*=flake:github:o/r/* xg*=git:https://h/g/*.git x{commit}=git:https://h/{commit}#v-{commit} x*=git:https://h/r#r/*',
    );
    fc.assert(
      fc.property(hostileTag, text => {
        const what = meaning(rules, text.slice(0, 128));
        if (what.startsWith('404: ')) return;
        assert.match(
          what,
          /^(path:\/srv\/p\/\w[\w.-]*|channel:c-\w[\w.-]*|flake:github:o\/r\/\w[\w.-]*|git:https:\/\/h\/g\/\w[\w.-]*\.git|git:https:\/\/h\/(?<c>[0-9a-f]{40})#v-\k<c>|git:https:\/\/h\/r#r\/[!-~]+)$/,
        );
        assert.doesNotMatch(what, /\.\./);
        const hash = what.indexOf('#');
        if (hash >= 0) assert.ok(isGitRef(what.slice(hash + 1)), what);
      }),
      { numRuns: 20_000 },
    );
  });

  test('are tried at the start: what is taken fails for no client but with an answer', () => {
    const part = fc.constantFrom('a', '*', '{commit}', ':', '/', '#', 'git', 'path', 'channel', 'flake', 'github', '=', 'x-', '.',
      'https://', 'h', '@', '..'); // prettier-ignore
    const rule = fc.array(part, { minLength: 2, maxLength: 9 }).map(parts => parts.join(''));
    fc.assert(
      fc.property(rule, fc.array(hostileTag, { minLength: 3, maxLength: 3 }), (text, tags) => {
        let rules: SourceRules;
        try {
          rules = parseSourceRules(text);
        } catch (error) {
          assert.ok(error instanceof ConfigurationError, String(error));
          return;
        }
        for (const one of tags) meaning(rules, one.slice(0, 128));
      }),
      { numRuns: 20_000 },
    );
  });
});

describe('default source', () => {
  const cases: readonly [source: string, tag: string, meaning: string | RegExp][] = [
    ['channel:nixos-26.05', 'latest', 'channel:nixos-26.05'],
    [
      'channel:nixos-26.05',
      'nixos-26.05',
      /^404: there is no tag "nixos-26.05" here, but "latest" \(channel:nixos-26.05\)$/,
    ],
    ['debian', 'v1', /^404/],
    // Of a git repository every ref is a tag, as with Nixery.
    [`git:${URL}`, 'latest', `git:${URL}`],
    [`git:${URL}`, 'v1.0', `git:${URL}#v1.0`],
    [`git:${URL}`, 'a__2fb', `git:${URL}#a/b`],
    [`git:${URL}`, COMMIT, `git:${URL}#${COMMIT}`],
    // But where one was chosen.
    [`git:${URL}#v1.0`, 'latest', `git:${URL}#v1.0`],
    [`git:${URL}#v1.0`, 'v2.0', /^404/],
    [`git:${URL}#latest`, 'latest', `git:${URL}`],
    [`git:${URL}#latest`, 'v2.0', /^404/],
    // What looks like a wildcard is one in rules only.
    ['git:/srv/a*b', 'evil', 'git:/srv/a*b#evil'],
    ['path:/srv/{commit}', 'latest', 'path:/srv/{commit}'],
  ];
  for (const [source, text, expected] of cases) {
    test(`${source} for ${text}`, () => {
      const actual = meaning(withDefaultSource([], source), text);
      if (typeof expected === 'string') assert.equal(actual, expected);
      else assert.match(actual, expected);
    });
  }

  test('comes behind the rules, and is told once where they have its tag', () => {
    const rules = withDefaultSource(parseSourceRules('latest=path:/a b=path:/b'), 'debian');
    assert.equal(meaning(rules, 'latest'), 'path:/a');
    assert.match(meaning(rules, 'c'), /but "latest" \(path:\/a\) and "b" \(path:\/b\)$/);
  });
});
