import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { userNameSchema, type Caller } from '#functions/registry/caller.ts';
import { openAccounts } from '#functions/registry/limits/account.ts';
import { NO_LIMITS } from '../served.ts';

const limits = { anonymous: { ...NO_LIMITS, waitingPulls: 1 }, user: { ...NO_LIMITS, waitingPulls: 2 } };
const accountOf = openAccounts(limits, 'a secret');

const anonymous = (address: string): Caller => ({ kind: 'anonymous', address });
const user = (name: string, address: string): Caller => ({
  kind: 'user',
  user: userNameSchema.parse(name),
  address,
});

describe('an account', () => {
  test('is a user’s wherever they are, and else an address’s', () => {
    const [here, there] = [accountOf(user('alice', '203.0.113.7')), accountOf(user('alice', '203.0.113.8'))];
    assert.equal(here.id, there.id);
    assert.deepEqual(here.limits, limits.user);
    assert.equal(accountOf(anonymous('203.0.113.7')).id, accountOf(anonymous('203.0.113.7')).id);
    assert.deepEqual(accountOf(anonymous('203.0.113.7')).limits, limits.anonymous);
    const ids = [
      here,
      accountOf(user('bob', '203.0.113.7')),
      accountOf(anonymous('203.0.113.7')),
      accountOf(anonymous('203.0.113.8')),
      // A user of such a name is not who comes from there.
      accountOf(user('203.0.113.7', '203.0.113.7')),
    ].map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
  });

  test('has an id that is a document’s, and tells nothing of whose it is without the secret', () => {
    const { id } = accountOf(anonymous('2001:db8::/64'));
    assert.match(id, /^[\w-]{43}$/);
    assert.notEqual(openAccounts(limits, 'another secret')(anonymous('2001:db8::/64')).id, id);
  });
});
