import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ConfigurationError } from '#core/errors.ts';
import { openAccess } from '#functions/registry/auth/open-access.ts';
import { clientAddressBehind } from '#functions/registry/client-address.ts';
import { readRegistrySettings } from '#functions/registry/settings.ts';
import { collectLog } from '#test/collected-log.ts';
import { userLine, UsersFile } from './users-file.ts';

const SECRET = { DERIVERY_TOKEN_SECRET: '0'.repeat(32) };
const GOOGLE = { DERIVERY_GOOGLE_USERS: '*@example.org' };

describe('settings of who may pull', () => {
  let users: UsersFile;

  before(async () => {
    users = await UsersFile.of(await userLine('alice', 'x'));
  });
  after(() => users[Symbol.asyncDispose]());

  const open = (environment: NodeJS.ProcessEnv) =>
    openAccess(
      readRegistrySettings({
        GOOGLE_CLOUD_PROJECT: 'p',
        DERIVERY_SOURCE: 'debian',
        DERIVERY_BLOB_URL: 'https://h/b',
        DERIVERY_HOP_SECRET: '0'.repeat(32),
        ...environment,
      }),
      clientAddressBehind(0),
      collectLog().log,
    );
  const withUsers = () => ({ ...SECRET, DERIVERY_USERS_FILE: users.path });

  test('that go together are taken', () => {
    open({});
    open({ DERIVERY_ACCESS: 'users', ...withUsers() });
    open({ DERIVERY_ACCESS: 'users', DERIVERY_CHALLENGE: 'basic', ...withUsers() });
    open({ DERIVERY_ACCESS: 'both', ...withUsers() });
    open({
      DERIVERY_ACCESS: 'users',
      ...SECRET,
      ...GOOGLE,
      DERIVERY_PUBLIC_URL: 'https://registry.example.org',
    });
  });

  const bad: readonly [environment: () => NodeJS.ProcessEnv, message: RegExp][] = [
    [
      () => ({ DERIVERY_ACCESS: 'users', DERIVERY_USERS_FILE: users.path }),
      /DERIVERY_TOKEN_SECRET is not set/,
    ],
    [
      () => ({ DERIVERY_ACCESS: 'users', ...SECRET }),
      /needs users: DERIVERY_USERS_FILE, DERIVERY_GOOGLE_USERS/,
    ],
    [() => ({ DERIVERY_ACCESS: 'both', ...SECRET }), /needs users/],
    [withUsers, /nobody is asked: set DERIVERY_ACCESS to users or both/],
    [() => GOOGLE, /there are users, and nobody is asked/],
    [
      () => ({ DERIVERY_ACCESS: 'both', DERIVERY_CHALLENGE: 'basic', ...withUsers() }),
      /DERIVERY_CHALLENGE=basic does not go with DERIVERY_ACCESS=both/,
    ],
    [() => ({ DERIVERY_ACCESS: 'users', ...SECRET, ...GOOGLE }), /DERIVERY_PUBLIC_URL is not set/],
    [
      () => ({ DERIVERY_ACCESS: 'users', ...SECRET, DERIVERY_USERS_FILE: '/nowhere/users' }),
      /DERIVERY_USERS_FILE: the file cannot be read.*ENOENT/,
    ],
  ];
  for (const [environment, message] of bad) {
    test(`are refused where ${message.source}`, () => {
      assert.throws(() => open(environment()), ConfigurationError);
      assert.throws(() => open(environment()), message);
    });
  }
});
