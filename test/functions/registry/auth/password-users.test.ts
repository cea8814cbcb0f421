import assert from 'node:assert/strict';
import { utimes, writeFile } from 'node:fs/promises';
import { describe, test, type TestContext } from 'node:test';
import { hash, parseOptions, verify } from '@node-rs/bcrypt';
import { ConfigurationError } from '#core/errors.ts';
import { parsePasswordFile } from '#functions/registry/auth/password-file.ts';
import { passwordUsers, type PasswordUsers } from '#functions/registry/auth/password-users.ts';
import { userNameSchema } from '#functions/registry/caller.ts';
import { collectLog } from '#test/collected-log.ts';
import { userLine, UsersFile } from './users-file.ts';

const HASH = '$2y$04$abcdefghijklmnopqrstuuKcJvB8LUBJGzVZkH2gLWkh0vLNaVj7S';

describe('a file of users', () => {
  const lines: readonly [line: string, problem: RegExp][] = [
    ['alice', /name:hash/],
    [`:${HASH}`, /name:hash/],
    [`a lice:${HASH}`, /name:hash/],
    [`älice:${HASH}`, /name:hash/],
    [`${'a'.repeat(256)}:${HASH}`, /name:hash/],
    ['alice:open sesame', /no bcrypt hash.*htpasswd -B/],
    ['alice:', /no bcrypt hash/],
    ['alice:$apr1$AbCdEfGh$0123456789abcdefghijkl', /no bcrypt hash/],
    ['alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', /no bcrypt hash/],
    [`alice:${HASH}x`, /no bcrypt hash/],
    [`alice:${HASH.slice(0, -1)}`, /no bcrypt hash/],
    [`alice:${HASH.replace('$2y$', '$2x$')}`, /no bcrypt hash/],
    // A bit too many in the salt, and in the hash: no password would ever fit.
    [`alice:${HASH.replace('uuKc', 'uvKc')}`, /no bcrypt hash/],
    [`alice:${HASH.slice(0, -1)}T`, /no bcrypt hash/],
    [`alice:${HASH.replace('$04$', '$03$')}`, /from 4 to 14/],
    [`alice:${HASH.replace('$04$', '$15$')}`, /from 4 to 14/],
    [`bob:${HASH}`, /an earlier line has too/],
  ];
  for (const [line, problem] of lines) {
    test(`with the line ${line.slice(0, 40)} has the others, and says which is wrong`, () => {
      const parsed = parsePasswordFile(`# people\n\nbob:${HASH}\r\n${line}\ncarol:${HASH}`);
      assert.deepEqual([...parsed.hashes.keys()], ['bob', 'carol']);
      assert.equal(parsed.problems.length, 1);
      assert.equal(parsed.problems[0]?.line, 4);
      assert.match(parsed.problems[0].problem, problem);
      assert.doesNotMatch(parsed.problems[0].problem, /sesame|\$04\$|apr1\$/);
    });
  }

  test('has hashes of each kind that is bcrypt’s', async () => {
    for (const version of ['2a', '2b', '2y'] as const) {
      const text = `alice:${await hash('open sesame', { cost: 4, version })}`;
      assert.equal(parsePasswordFile(text).hashes.size, 1);
      await using file = await UsersFile.of(text);
      const users = passwordUsers({ path: file.path, log: collectLog().log });
      assert.equal(await isRight(users, 'alice', 'open sesame'), true, version);
    }
  });
});

describe('users with a password', () => {
  test('are who has the name and the password, and nobody else', async () => {
    await using file = await UsersFile.of(await userLine('alice', 'open sesame'), await userLine('bob', ''));
    const users = passwordUsers({ path: file.path, log: collectLog().log });
    assert.equal(await isRight(users, 'alice', 'open sesame'), true);
    for (const [user, password] of [
      ['alice', 'open barley'], ['alice', ''], ['Alice', 'open sesame'], ['alice ', 'open sesame'], ['', ''], ['carol', 'open sesame'],
      ['alice', 'open sesame '], ['alice', 'open sesame\0'], ['__proto__', ''], ['constructor', 'x'], ['a:b', 'x'],
    ] as const) assert.equal(await isRight(users, user, password), false, `${user}:${password}`); // prettier-ignore
  });

  test('that are not there cost a check as costly as that of one who is', async () => {
    await using file = await UsersFile.of(await userLine('alice', 'x', 5), await userLine('bob', 'x', 6));
    const checked: string[] = [];
    const verifyHash = async (_password: string, stored: string): Promise<boolean> => {
      checked.push(stored);
      return true;
    };
    const users = passwordUsers({ path: file.path, log: collectLog().log, verifyHash });
    for (let number = 0; number < 100; number += 1) {
      const nobody = { user: `nobody-${number % 50}`, password: 'x' };
      assert.equal(await users.verify(nobody), undefined, 'whatever the check says');
    }
    assert.deepEqual(checked.slice(50), checked.slice(0, 50), 'a name costs the same each time');
    const costs = checked.map(stored => parseOptions(stored).cost);
    assert.deepEqual(new Set(costs), new Set([5, 6]));
    for (const stored of new Set(checked)) assert.equal(await verify('', stored), false);
  });

  test('that are not there cost what is usual where there are none at all', async () => {
    await using file = await UsersFile.of('');
    let checked = '';
    const verifyHash = async (_password: string, stored: string): Promise<boolean> => {
      checked = stored;
      return true;
    };
    const users = passwordUsers({ path: file.path, log: collectLog().log, verifyHash });
    assert.equal(await isRight(users, 'alice', 'x'), false);
    assert.equal(parseOptions(checked).cost, 12);
  });

  const reread = async (context: TestContext, ...first: string[]) => {
    const file = await UsersFile.of(...first);
    context.after(() => file[Symbol.asyncDispose]());
    const collected = collectLog();
    const clock = { now: 0 };
    const users = passwordUsers({ path: file.path, log: collected.log, now: () => clock.now });
    return { file, users, clock, collected };
  };

  test('are who is in the file now, two seconds later at most', async context => {
    const { file, users, clock } = await reread(context, await userLine('alice', 'one'));
    await file.replace(await userLine('alice', 'two'), await userLine('bob', 'three'));
    assert.equal(await isRight(users, 'alice', 'one'), true, 'it was looked at just now');
    clock.now += 2_000;
    assert.equal(await isRight(users, 'alice', 'one'), false);
    assert.equal(await isRight(users, 'alice', 'two'), true);
    assert.equal(await isRight(users, 'bob', 'three'), true);
    await file.replace(await userLine('bob', 'three'));
    clock.now += 2_000;
    assert.equal(await isRight(users, 'alice', 'two'), false);
    assert.equal(await isRight(users, 'bob', 'three'), true);
  });

  test('are who is in the file now, also where the clock was set back', async context => {
    const clock = { time: Date.now(), running: 0 };
    context.mock.method(Date, 'now', () => clock.time);
    context.mock.method(performance, 'now', () => clock.running);
    await using file = await UsersFile.of(await userLine('alice', 'one'), await userLine('bob', 'two'));
    const users = passwordUsers({ path: file.path, log: collectLog().log });
    await file.replace(await userLine('bob', 'two'));
    clock.time -= 3_600_000;
    clock.running += 2_000;
    assert.equal(await isRight(users, 'alice', 'one'), false);
  });

  test('have another revision and fingerprint when the password is another, and only then', async context => {
    const alice = await userLine('alice', 'one');
    const { file, users, clock } = await reread(context, alice);
    const state = async () => [
      await users.revision({ user: 'alice', password: '' }),
      await users.fingerprintOf(userNameSchema.parse('alice')),
    ];
    const first = await state();
    await file.replace(alice, await userLine('bob', 'two'));
    clock.now += 2_000;
    assert.deepEqual(await state(), first);
    await file.replace(await userLine('alice', 'one'));
    clock.now += 2_000;
    const second = await state();
    assert.notEqual(second[0], first[0]);
    assert.notEqual(second[1], first[1]);
    assert.equal((await users.verify({ user: 'alice', password: 'one' }))?.fingerprint, second[1]);
  });

  test('stay when the file is gone or broken, and the log says so', async context => {
    const { file, users, clock, collected } = await reread(context, await userLine('alice', 'one'));
    await file.remove();
    clock.now += 2_000;
    assert.equal(await isRight(users, 'alice', 'one'), true);
    assert.match(String(collected.lines.at(-1)?.['message']), /DERIVERY_USERS_FILE cannot be read/);
    await file.replace('alice:not-a-hash-hunter2', await userLine('bob', 'two'));
    clock.now += 2_000;
    assert.equal(await isRight(users, 'bob', 'two'), true);
    assert.match(JSON.stringify(collected.lines), /DERIVERY_USERS_FILE: line 1 has no bcrypt hash/);
    assert.doesNotMatch(JSON.stringify(collected.lines), /hunter2/);
  });

  test('are read again each minute where a volume does not say that it has changed', async context => {
    const { file, users, clock } = await reread(context, await userLine('alice', 'one'));
    const writeUnseen = async (password: string): Promise<void> => {
      await writeFile(file.path, `${await userLine('alice', password)}\n`);
      await utimes(file.path, 1, 1);
    };
    await writeUnseen('two');
    clock.now += 2_000;
    assert.equal(await isRight(users, 'alice', 'two'), true);
    await writeUnseen('three');
    clock.now += 58_000;
    assert.equal(await isRight(users, 'alice', 'two'), true);
    clock.now += 2_000;
    assert.equal(await isRight(users, 'alice', 'three'), true);
  });

  test('need a file that can be read to begin with', () => {
    assert.throws(
      () => passwordUsers({ path: '/nowhere/at-all', log: collectLog().log }),
      ConfigurationError,
    );
    assert.throws(
      () => passwordUsers({ path: '/nowhere/at-all', log: collectLog().log }),
      /DERIVERY_USERS_FILE/,
    );
  });
});

async function isRight(users: PasswordUsers, user: string, password: string): Promise<boolean> {
  return (await users.verify({ user, password })) !== undefined;
}
