import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { ConfigurationError } from '#core/errors.ts';
import {
  imageSettings,
  imageSettingsOf,
  offerOf,
  offerSettings,
  pullPolicy,
  pullSettings,
} from '#core/google/deployment-settings.ts';
import { readSettings, type Environment } from '#core/google/settings.ts';
import { prebuildSettings } from '#functions/prebuild/settings.ts';
import { registrySettings } from '#functions/registry/settings.ts';
import { readPrebuildSettings } from '#functions/prebuild/settings.ts';
import { readRegistrySettings } from '#functions/registry/settings.ts';
import { readWorkerSettings, workerSettings } from '#worker/settings.ts';
import { IMAGE_SETTINGS, SETTINGS } from '#test/core/deployment.ts';

const schema = z.object({ ...pullSettings, ...offerSettings });
const GOOD = { DERIVERY_SOURCE: 'debian' };

const read = (environment: Environment) => readSettings(schema, { ...GOOD, ...environment });

describe('what a deployment offers', () => {
  test('is by default one source, one platform, and 64 packages', () => {
    const { sources, ...rest } = offerOf(read({}));
    assert.deepEqual(rest, { platforms: ['linux/amd64'], packageLimit: 64 });
    assert.deepEqual(
      sources.map(({ tags, source }) => [tags.text, source]),
      [['latest', 'debian']],
    );
  });

  test('has the rules before the default source, in their order', () => {
    const offer = offerOf(
      read({ DERIVERY_SOURCES: 'b=path:/b  a=path:/a', DERIVERY_SOURCE: 'git:https://h/r' }),
    );
    assert.deepEqual(
      offer.sources.map(({ tags, source }) => [tags.text, source]),
      [
        ['b', 'path:/b'],
        ['a', 'path:/a'],
        ['latest', 'git:https://h/r'],
        ['*', 'git:https://h/r#*'],
      ],
    );
  });

  test('takes platforms apart at spaces and commas', () => {
    for (const text of ['linux/amd64 linux/arm64', 'linux/amd64,linux/arm64', ' linux/amd64 ,\nlinux/arm64 '])
      assert.deepEqual(offerOf(read({ DERIVERY_PLATFORMS: text })).platforms, ['linux/amd64', 'linux/arm64']);
  });
});

describe('what images are made by', () => {
  test('is by default what the tests go by', () => {
    assert.deepEqual(imageSettingsOf(readSettings(z.object(imageSettings), {})), IMAGE_SETTINGS);
    assert.equal(pullPolicy(read({})).settings, SETTINGS);
  });

  test('is read from the settings', () => {
    const settings = read({
      DERIVERY_LAYER_BUDGET: '7',
      DERIVERY_CONTENTS: 'busybox, bashInteractive\ngtk__2b3 gtk+3 openssl.dev',
      DERIVERY_UID: '1',
      DERIVERY_GID: '2',
      DERIVERY_EXTRA_COMMANDS: 'mkdir x',
      DERIVERY_NIXPKGS_CONFIG: '{"allowUnfree":true}',
      DERIVERY_OVERLAY: 'final: prev: { }',
      DERIVERY_INDEXES: 'partial',
      DERIVERY_COMPRESSION: 'zstd',
    });
    assert.deepEqual(imageSettingsOf(settings), {
      layerBudget: 7,
      contents: ['busybox', 'bashInteractive', 'gtk__2b3', 'gtk+3', 'openssl.dev'],
      owner: { uid: 1, gid: 2 },
      extraCommands: 'mkdir x',
      importArguments: { config: { allowUnfree: true }, overlay: 'final: prev: { }' },
      indexes: 'partial',
      compression: 'zstd',
    });
  });

  const changes: readonly Environment[] = [
    { DERIVERY_LAYER_BUDGET: '7' },
    { DERIVERY_CONTENTS: 'busybox' },
    { DERIVERY_UID: '1' },
    { DERIVERY_GID: '1' },
    { DERIVERY_EXTRA_COMMANDS: 'true' },
    { DERIVERY_NIXPKGS_CONFIG: '{"allowUnfree":true}' },
    { DERIVERY_OVERLAY: 'final: prev: { }' },
    { DERIVERY_INDEXES: 'partial' },
    { DERIVERY_COMPRESSION: 'zstd' },
  ];
  test('has a digest that each of them changes, and what is offered does not', () => {
    const digests = changes.map(environment => pullPolicy(read(environment)).settings);
    assert.equal(new Set([SETTINGS, ...digests]).size, changes.length + 1);
    assert.equal(
      Object.keys(imageSettings).length,
      changes.length,
      'a setting that changes images has a row here',
    );
    const offer = {
      DERIVERY_SOURCES: 'a=debian',
      DERIVERY_PLATFORMS: 'linux/arm64',
      DERIVERY_PACKAGE_LIMIT: '3',
    };
    assert.equal(pullPolicy(read(offer)).settings, SETTINGS);
  });

  test('is the same digest for settings that mean the same', () => {
    const digest = (environment: Environment) => pullPolicy(read(environment)).settings;
    const config = (text: string) => digest({ DERIVERY_NIXPKGS_CONFIG: text });
    assert.equal(
      config('{"a":{"x":1,"y":[2]},"b":true}'),
      config(' { "b": true, "a": { "y": [2], "x": 1 } } '),
    );
    assert.notEqual(config('{"a":[1,2]}'), config('{"a":[2,1]}'));
    assert.equal(digest({ DERIVERY_CONTENTS: 'a b a' }), digest({ DERIVERY_CONTENTS: 'b,a' }));
  });
});

describe('ages', () => {
  test('are 6 hours and 7 days where nothing is said', () => {
    const { freshMs, staleMs } = pullPolicy(read({}));
    assert.deepEqual([freshMs, staleMs], [6 * 3600_000, 7 * 24 * 3600_000]);
    assert.equal(pullPolicy(read({ DERIVERY_FRESH_SECONDS: '0' })).freshMs, 0);
  });
});

/** One bad value or more of each setting, by its variable. */
const BAD: Readonly<Record<string, readonly [value: string, problem: RegExp][]>> = {
  DERIVERY_SOURCE: [
    ['nixpkgs', /"nixpkgs" is not a package source: use channel:NAME/],
    ['git:https://u:hunter2@h/x', /holds credentials: leave them to the netrc/],
    ['auto', /"auto" is not a package source/],
  ],
  DERIVERY_SOURCES: [
    ['unstable', /"unstable" is not a rule: write TAGS=SOURCE/],
    ['a=debian b=nowhere', /the rule for "b": "nowhere" is not a package source/],
  ],
  DERIVERY_PLATFORMS: [
    ['linux/sparc', /linux\/amd64 and linux\/arm64/],
    ['arm64', /linux\/amd64 and linux\/arm64/],
    [',', /linux\/amd64/],
  ],
  DERIVERY_PACKAGE_LIMIT: [
    ['0', /./],
    ['1.5', /./],
    ['many', /number/],
  ],
  DERIVERY_LAYER_BUDGET: [
    ['0', /./],
    ['121', /120/],
    ['-1', /./],
  ],
  DERIVERY_CONTENTS: [
    ['a/b', /"a\/b" is no package's name/],
    ['shell', /"shell" stands for more than a package/],
    ['hello $(id)', /"\$\(id\)" is no package's name/],
  ],
  DERIVERY_UID: [
    ['-1', /./],
    ['root', /number/],
    ['2097152', /./],
  ],
  DERIVERY_GID: [
    ['-1', /./],
    ['1.5', /must be a whole number/],
  ],
  DERIVERY_EXTRA_COMMANDS: [['x'.repeat(16_385), /16384/]],
  DERIVERY_NIXPKGS_CONFIG: [
    ['{', /is not JSON/],
    ['[]', /is not a JSON object, as in/],
    ['1', /is not a JSON object/],
  ],
  DERIVERY_OVERLAY: [['x'.repeat(65_537), /65536/]],
  DERIVERY_INDEXES: [['some', /whole.*partial/]],
  DERIVERY_COMPRESSION: [['brotli', /gzip.*zstd/]],
  DERIVERY_FRESH_SECONDS: [
    ['-1', /./],
    ['soon', /number/],
  ],
  DERIVERY_STALE_SECONDS: [
    ['0', /./],
    ['Infinity', /./],
  ],
  DERIVERY_BLOB_URL: [
    ['https://h/v2/blobs', /must not contain \/v2\//],
    ['storage', /URL/],
  ],
  DERIVERY_BUCKET_ACCESS: [['secret', /public.*private/]],
  DERIVERY_SIGNING_ENDPOINT: [['iam', /URL/]],
  DERIVERY_HEAD_DIGEST: [['maybe', /sent.*withheld/]],
  DERIVERY_HOLD_SECONDS: [
    ['0', /./],
    ['4000', /3500/],
  ],
  DERIVERY_HOP_SECRET: [
    ['too short', /32 characters/],
    [`${'0'.repeat(32)} short`, /32 characters/],
  ],
  DERIVERY_LONG_HOLD_SECONDS: [['4000', /3500/]],
  DERIVERY_REQUEST_LIMIT_SECONDS: [
    ['10', /11/],
    ['3601', /3600/],
  ],
  DERIVERY_TOTAL_WAIT_SECONDS: [['0', /./]],
  DERIVERY_RETRY_SECONDS: [['61', /60/]],
  DERIVERY_CONCURRENCY: [['0', /./]],
  DERIVERY_ACCESS: [['everyone', /anonymous.*users.*both/]],
  DERIVERY_CHALLENGE: [['digest', /bearer.*basic/]],
  DERIVERY_TOKEN_SECRET: [
    ['too short', /32 characters/],
    [`${'0'.repeat(32)} hunter2`, /32 characters/],
  ],
  DERIVERY_PUBLIC_URL: [
    ['registry.example.org', /URL/],
    ['ftp://registry.example.org', /URL/],
    ['https://registry.example.org/registry', /no more than a scheme and a host/],
    ['https://registry.example.org/?a', /no more than a scheme and a host/],
    ['https://u:hunter2@registry.example.org', /no more than a scheme and a host/],
  ],
  DERIVERY_GOOGLE_USERS: [
    ['*', /"\*" is neither an e-mail address nor a domain/],
    ['alice@example.org bob', /"bob" is neither/],
  ],
  DERIVERY_TOKENINFO_URL: [['google', /URL/]],
  DERIVERY_GOOGLE_KEYS_URL: [['google', /URL/]],
  DERIVERY_TRUSTED_PROXIES: [
    ['-1', /0/],
    ['11', /10/],
  ],
  DERIVERY_ANONYMOUS_BUILDS_PER_HOUR: [['1001', /from 0 to 1000, or none/]],
  DERIVERY_USER_BUILDS_PER_HOUR: [['-1', /from 0 to 1000, or none/]],
  DERIVERY_ANONYMOUS_PULLS_PER_MINUTE: [['0', /from 1 to .*, or none/]],
  DERIVERY_USER_PULLS_PER_MINUTE: [['1.5', /whole number/]],
  DERIVERY_ANONYMOUS_WAITING_PULLS: [['0', /from 1 to .*, or none/]],
  DERIVERY_USER_WAITING_PULLS: [['many', /whole number/]],
  DERIVERY_TAG_CACHE_SECONDS: [
    ['-1', /./],
    ['601', /./],
  ],
  DERIVERY_MANIFEST_CACHE_MB: [['0', /./]],
  DERIVERY_KEEP_DAYS: [['0', /./]],
  DERIVERY_BLOB_GRACE_HOURS: [['a week', /number/]],
  DERIVERY_TOMBSTONE_HOURS: [['-1', /./]],
  DERIVERY_SPOOL: [['spool', /must begin with \//]],
  DERIVERY_NIX_STORE: [['store', /must begin with \//]],
  DERIVERY_STORE_LIMIT_GB: [['0', /./]],
  DERIVERY_STORE_FREE_GB: [['-1', /./]],
  DERIVERY_DEBIAN_SET: [['set', /must begin with \//]],
  DERIVERY_BUILD_SLOTS: [
    ['0', /./],
    ['1.5', /must be a whole number/],
  ],
  DERIVERY_BUILD_MEMORY_MB: [['64', /256/]],
  DERIVERY_EVALUATION_MEMORY_MB: [['64', /256/]],
  DERIVERY_EVALUATION_SECONDS: [
    ['0', /./],
    ['3601', /3600/],
  ],
  DERIVERY_CLOSURE_LIMIT_MB: [['0', /./]],
  DERIVERY_LEASE_SECONDS: [
    ['0', /./],
    ['3601', /3600/],
  ],
  DERIVERY_BUILD_SECONDS: [
    ['0', /./],
    ['86401', /86400/],
  ],
  DERIVERY_IDLE_MINUTES: [
    ['0', /./],
    ['10081', /10080/],
    ['never', /number/],
  ],
  DERIVERY_WORKER_INSTANCE: [
    ['derivery-worker', /projects\/PROJECT\/zones\/ZONE\/instances\/NAME/],
    ['projects/p/zones/z/instances/n/start', /projects\/PROJECT/],
    ['projects/p/zones/../instances/n', /projects\/PROJECT/],
  ],
  DERIVERY_COMPUTE_ENDPOINT: [['compute', /URL/]],
  DERIVERY_CHANNELS_URL: [['channels', /URL/]],
  DERIVERY_ARCHIVES_URL: [['archives', /URL/]],
};

/** Settings whose every value but none is good. */
const FREE = [
  'GOOGLE_CLOUD_PROJECT', 'DERIVERY_DATABASE', 'DERIVERY_BUILDS_TOPIC', 'DERIVERY_REFRESHES_TOPIC', 'DERIVERY_BUCKET',
  'DERIVERY_SNAPSHOTS_BUCKET',
  'DERIVERY_BUILDS_SUBSCRIPTION', 'DERIVERY_REFRESHES_SUBSCRIPTION', 'NIX_CONFIG',
  // Whether the file is there is found out when it is read.
  'DERIVERY_USERS_FILE',
]; // prettier-ignore

const PROGRAMS = {
  registry: { settings: registrySettings, read: readRegistrySettings },
  prebuild: { settings: prebuildSettings, read: readPrebuildSettings },
  worker: { settings: workerSettings, read: readWorkerSettings },
};

const WHOLE = {
  GOOGLE_CLOUD_PROJECT: 'p',
  DERIVERY_BUCKET: 'b',
  DERIVERY_BLOB_URL: 'https://h/b',
  DERIVERY_HOP_SECRET: '0'.repeat(32),
  DERIVERY_SPOOL: '/spool',
  DERIVERY_SOURCE: 'channel:nixos-26.05',
};

function problem(program: keyof typeof PROGRAMS, environment: Environment): string {
  try {
    PROGRAMS[program].read({ ...WHOLE, ...environment });
  } catch (error) {
    assert.ok(error instanceof ConfigurationError, String(error));
    assert.doesNotMatch(error.message, /\n|hunter2/);
    return error.message;
  }
  return assert.fail(`the ${program} takes ${JSON.stringify(environment)}`);
}

for (const [program, { settings, read: readAll }] of Object.entries(PROGRAMS)) {
  describe(`settings of the ${program}`, () => {
    test('are all tried here', () => {
      for (const name of Object.keys(settings)) assert.ok(name in BAD || FREE.includes(name), name);
    });

    for (const [name, values] of Object.entries(BAD).filter(([known]) => known in settings)) {
      for (const [value, message] of values) {
        test(`${name}=${value.slice(0, 40)} is refused by its name`, () => {
          const said = problem(program as keyof typeof PROGRAMS, { [name]: value });
          assert.ok(said.startsWith(`configuration: ${name}: `), said);
          assert.match(said.slice(said.indexOf(': ', 15)), message);
        });
      }
    }

    test('understand Nixery’s names, in Nixery’s order, where Derivery’s is not set', () => {
      const names = {
        NIXERY_PKGS_PATH: '/p',
        NIXERY_PKGS_REPO: 'https://h/r',
        NIXERY_CHANNEL: 'nixos-unstable',
      };
      const source = (environment: Environment) => readAll({ ...WHOLE, ...environment }).DERIVERY_SOURCE;
      assert.equal(source(names), 'channel:nixos-26.05');
      assert.equal(source({ ...names, DERIVERY_SOURCE: undefined }), 'channel:nixos-unstable');
      assert.equal(source({ ...names, DERIVERY_SOURCE: '' }), 'channel:nixos-unstable');
      assert.equal(source({ ...names, DERIVERY_SOURCE: '', NIXERY_CHANNEL: '' }), 'git:https://h/r');
      assert.equal(source({ DERIVERY_SOURCE: '', NIXERY_PKGS_PATH: '/p' }), 'path:/p');
    });

    test('name Nixery’s variable where its value is bad', () => {
      for (const [name, value] of [
        ['NIXERY_CHANNEL', 'a/b'],
        ['NIXERY_PKGS_REPO', 'https://u:hunter2@h/r'],
        ['NIXERY_PKGS_PATH', 'relative'],
      ] as const) {
        const said = problem(program as keyof typeof PROGRAMS, { DERIVERY_SOURCE: undefined, [name]: value });
        assert.ok(said.startsWith(`configuration: ${name}: `), said);
      }
    });
  });
}

describe('the worker', () => {
  test('needs the Debian set where any tag may ask for it', () => {
    for (const environment of [{ DERIVERY_SOURCE: 'debian' }, { DERIVERY_SOURCES: 'bundled=debian' }])
      assert.equal(problem('worker', environment), 'configuration: DERIVERY_DEBIAN_SET is not set');
    readWorkerSettings({ ...WHOLE, DERIVERY_SOURCE: 'debian', DERIVERY_DEBIAN_SET: '/set' });
  });
});
