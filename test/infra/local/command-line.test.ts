import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigurationError } from '#core/errors.ts';
import { DEFAULT_STATE, readChoices } from '#local/command-line.ts';

function read(environment: Record<string, string>, ...options: string[]) {
  return readChoices(['node', 'start.ts', ...options], environment);
}

describe('what may be chosen at the start', () => {
  test('has defaults', () => {
    const { sources, ...rest } = read({});
    assert.deepEqual(sources, []);
    assert.deepEqual(rest, {
      port: 8080,
      state: DEFAULT_STATE,
      source: { variable: 'DERIVERY_SOURCE', source: 'auto' },
      logFormat: 'text',
    });
  });

  const nixery = { NIXERY_PKGS_PATH: '/p', NIXERY_PKGS_REPO: 'https://h/r', NIXERY_CHANNEL: 'c' };
  const chosen: readonly [
    environment: Record<string, string>,
    options: string[],
    variable: string,
    source: string,
  ][] = [
    [{ ...nixery, DERIVERY_SOURCE: 'debian' }, ['--source', 'path:/x'], '--source', 'path:/x'],
    [{ ...nixery, DERIVERY_SOURCE: 'debian' }, [], 'DERIVERY_SOURCE', 'debian'],
    [{ ...nixery, DERIVERY_SOURCE: 'auto' }, [], 'DERIVERY_SOURCE', 'auto'],
    // Nixery's names come before the choice that is made where nothing is set; a blank value sets nothing.
    [{ ...nixery, DERIVERY_SOURCE: ' ' }, [], 'NIXERY_CHANNEL', 'channel:c'],
    [{ ...nixery, NIXERY_CHANNEL: '' }, [], 'NIXERY_PKGS_REPO', 'git:https://h/r'],
    [{ NIXERY_PKGS_PATH: './p' }, [], 'NIXERY_PKGS_PATH', 'path:./p'],
  ];
  for (const [environment, options, variable, source] of chosen) {
    test(`takes ${source} from ${variable} of ${JSON.stringify(environment)}`, () => {
      assert.deepEqual(read(environment, ...options).source, { variable, source });
    });
  }

  test('reads the rules', () => {
    const { sources } = read({ DERIVERY_SOURCES: 'unstable=channel:nixos-unstable git-*=git:https://h/r' });
    assert.deepEqual(
      sources.map(({ tags, kind }) => [tags.text, kind]),
      [
        ['unstable', 'channel'],
        ['git-*', 'git'],
      ],
    );
  });

  test('takes what it sets itself as given, whatever it is set to', () => {
    read({ GOOGLE_CLOUD_PROJECT: '', DERIVERY_BLOB_URL: 'none', DERIVERY_SPOOL: 'relative' });
  });

  test('passes on no variable that looks like a setting and is none', () => {
    read({ DERIVERY_SMOKE_USER: 'a', DERIVERY_KEEP_DAYS: '3', DERIVERY_TOMBSTONE_HOUR: '' });
    assert.throws(() => read({ DERIVERY_TOMBSTONE_HOUR: '1', DERIVERY_COLOUR_OF_LOGS: 'red' }), {
      name: 'ConfigurationError',
      message:
        'configuration: DERIVERY_TOMBSTONE_HOUR is no setting (DERIVERY_TOMBSTONE_HOURS is one); ' +
        'DERIVERY_COLOUR_OF_LOGS is no setting',
    });
  });

  const bad: readonly [environment: Record<string, string>, problems: readonly RegExp[]][] = [
    [{ PORT: 'http' }, [/PORT: must be a whole number/]],
    [
      { DERIVERY_SOURCES: 'a=nowhere' },
      [/DERIVERY_SOURCES: the rule for "a": "nowhere" is not a package source/],
    ],
    [{ DERIVERY_CHANNELS_URL: 'nowhere' }, [/DERIVERY_CHANNELS_URL: /]],
    [
      { DERIVERY_DATABASE: 'd', DERIVERY_CONTENTS: 'a/b' },
      [/DERIVERY_CONTENTS: "a\/b" is no package's name/],
    ],
    // Of the registry, the prebuild function and the worker, all in one line.
    [
      { DERIVERY_HOLD_SECONDS: 'long', DERIVERY_BUILD_SLOTS: '0', DERIVERY_FRESH_SECONDS: '-1', PORT: '-1' },
      [/DERIVERY_HOLD_SECONDS: /, /DERIVERY_BUILD_SLOTS: /, /DERIVERY_FRESH_SECONDS: /, /PORT: /],
    ],
  ];
  for (const [environment, problems] of bad) {
    test(`refuses ${JSON.stringify(environment)} in one line`, () => {
      assert.throws(
        () => read(environment),
        (error: unknown) => {
          assert.ok(error instanceof ConfigurationError, String(error));
          for (const problem of problems) assert.match(error.message, problem);
          return !error.message.includes('\n');
        },
      );
    });
  }
});
