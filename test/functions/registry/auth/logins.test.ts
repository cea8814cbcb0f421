import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { RegistryError, TransientError } from '#core/errors.ts';
import type { Credentials } from '#functions/registry/auth/credentials.ts';
import type { Identity, IdentityProvider } from '#functions/registry/auth/identity.ts';
import { createLogins, type Login } from '#functions/registry/auth/logins.ts';
import { userNameSchema } from '#functions/registry/caller.ts';
import { collectLog } from '#test/collected-log.ts';

const MINUTE = 60_000;
const BELIEVED_MS = 10 * MINUTE;
const ALICE = { user: 'alice', password: 'right' };
const [HOME, ELSEWHERE] = ['192.0.2.1', '192.0.2.2'];

const guess = (number: number): Credentials => ({ user: 'alice', password: `guess ${number}` });

/** Users whose checks end when the test lets them; and a clock that it moves. */
class Desk {
  readonly login: Login;
  readonly lines;
  checks = 0;
  atOnce = 0;
  mostAtOnce = 0;
  revision = '1';
  now = 0;
  isSilent = false;
  #open = Promise.withResolvers<void>();

  constructor({ isOpen = true, clock = 'own' }: { isOpen?: boolean; clock?: 'own' | 'real' } = {}) {
    if (isOpen) this.open();
    const { log, lines } = collectLog();
    this.lines = lines;
    const provider: IdentityProvider = {
      checksAtOnce: 2,
      isFor: () => true,
      revision: async () => this.revision,
      verify: credentials => this.#verify(credentials),
    };
    const providers = [provider];
    this.login = createLogins({ providers, log, ...(clock === 'own' && { now: () => this.now }) });
  }

  open(): void {
    this.#open.resolve();
  }

  close(): void {
    this.#open = Promise.withResolvers();
  }

  async #verify({ user, password }: Credentials): Promise<Identity | undefined> {
    this.checks += 1;
    this.atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    await this.#open.promise;
    this.atOnce -= 1;
    if (this.isSilent) throw new TransientError('nobody answers');
    return user === 'alice' && password === 'right'
      ? { user: userNameSchema.parse(user), believedMs: BELIEVED_MS }
      : undefined;
  }

  /** `right`, `wrong`, or after how many seconds to try again. */
  async try(credentials: Credentials, address = HOME): Promise<'right' | 'wrong' | number> {
    try {
      return (await this.login(credentials, address)) === undefined ? 'wrong' : 'right';
    } catch (error) {
      assert.ok(error instanceof RegistryError && error.status === 429, String(error));
      assert.equal(error.code, 'TOOMANYREQUESTS');
      return Number(error.headers['retry-after']);
    }
  }

  /** So many wrong logins, one after the other. */
  async fail(count: number, address = HOME): Promise<unknown[]> {
    const outcomes = [];
    for (let number = 0; number < count; number += 1) outcomes.push(await this.try(guess(number), address));
    return outcomes;
  }
}

describe('logins', () => {
  test('from one address are not looked at any more after ten that were wrong, for the rest of a minute', async () => {
    const desk = new Desk();
    assert.deepEqual(
      await desk.fail(10),
      Array.from({ length: 10 }, () => 'wrong'),
    );
    desk.now = 20_000;
    assert.equal(await desk.try(guess(10)), 40);
    assert.equal(await desk.try(ALICE), 40, 'nor one that would be right');
    assert.equal(desk.checks, 10);
    assert.equal(await desk.try(guess(10), ELSEWHERE), 'wrong');
    desk.now = MINUTE;
    assert.equal(await desk.try(ALICE), 'right');
  });

  test('are not kept out for longer because the clock was set back', async context => {
    const clock = { time: Date.now() };
    context.mock.method(Date, 'now', () => clock.time);
    const desk = new Desk({ clock: 'real' });
    await desk.fail(10);
    clock.time -= 60 * MINUTE;
    const pauseSeconds = await desk.try(ALICE);
    assert.ok(typeof pauseSeconds === 'number' && pauseSeconds <= 60, String(pauseSeconds));
  });

  test('from one address are limited at the same time too', async () => {
    const desk = new Desk({ isOpen: false });
    const tries = Array.from({ length: 200 }, (_, number) => desk.try(guess(number)));
    await turn();
    desk.open();
    const outcomes = await Promise.all(tries);
    assert.equal(outcomes.filter(outcome => outcome === 'wrong').length, 10);
    assert.equal(desk.checks, 10);
  });

  test('are checked two at a time; sixteen wait, and all others are sent away at once', async () => {
    const desk = new Desk({ isOpen: false });
    const tries = Array.from({ length: 500 }, (_, number) => desk.try(guess(number), `address ${number}`));
    const away = await Promise.all(tries.slice(18));
    assert.deepEqual(new Set(away), new Set([5]));
    assert.equal(desk.checks, 2);
    desk.open();
    assert.deepEqual(new Set(await Promise.all(tries.slice(0, 18))), new Set(['wrong']));
    assert.equal(desk.mostAtOnce, 2);
    assert.equal(desk.checks, 18);
  });

  test('of who was right before are believed in the middle of a flood', async () => {
    const desk = new Desk();
    assert.equal(await desk.try(ALICE), 'right');
    await desk.fail(11);
    desk.close();
    const flood = Array.from({ length: 500 }, (_, number) =>
      desk.try(guess(number + 20), `address ${number}`),
    );
    await turn();
    assert.equal(await desk.try(ALICE), 'right', 'from the address of a flood');
    assert.equal(await desk.try(ALICE, ELSEWHERE), 'right', 'while others wait');
    assert.equal(desk.checks, 1 + 10 + 2);
    desk.open();
    await Promise.all(flood);
  });

  test('of someone else are not found by guessing on where no check is made any more', async () => {
    const desk = new Desk();
    await desk.try(ALICE, ELSEWHERE);
    await desk.fail(10);
    assert.equal(await desk.try(ALICE), 60, 'from the address that was wrong');
    assert.equal(await desk.try(ALICE, ELSEWHERE), 'right', 'from where they were right');
    assert.equal(await desk.try(ALICE, '192.0.2.3'), 'right', 'from where nobody was wrong');
    assert.equal(
      await desk.try(guess(0), HOME),
      60,
      'one that is known to be wrong is answered as one that is right',
    );
    desk.now = MINUTE;
    assert.equal(await desk.try(ALICE), 'right');
    assert.equal(desk.checks, 11);
  });

  test('of someone else are not found by guessing while there is no room for a check', async () => {
    const desk = new Desk();
    await desk.try(ALICE, ELSEWHERE);
    desk.close();
    const flood = Array.from({ length: 18 }, (_, number) =>
      desk.try(guess(number + 20), `address ${number}`),
    );
    await turn();
    assert.deepEqual(new Set(await desk.fail(10, 'a guesser')), new Set([5]));
    assert.equal(await desk.try(ALICE, 'a guesser'), 60);
    desk.open();
    await Promise.all(flood);
  });

  test('that were right do not count as wrong, however many', async () => {
    const desk = new Desk();
    for (let number = 0; number < 30; number += 1) {
      desk.revision = String(number);
      assert.equal(await desk.try(ALICE), 'right');
    }
    assert.equal(desk.checks, 30);
  });

  test('with the same guess again cost one check a minute', async () => {
    const desk = new Desk();
    for (let number = 0; number < 30; number += 1) assert.equal(await desk.try(guess(0)), 'wrong');
    assert.equal(desk.checks, 1);
    desk.now = MINUTE;
    assert.equal(await desk.try(guess(0)), 'wrong');
    assert.equal(desk.checks, 2);
  });

  test('with the same credentials at the same time are one check', async () => {
    const desk = new Desk({ isOpen: false });
    const tries = Array.from({ length: 50 }, () => desk.try(ALICE));
    await turn();
    desk.open();
    assert.deepEqual(new Set(await Promise.all(tries)), new Set(['right']));
    assert.equal(desk.checks, 1);
  });

  test('are checked again when the users have changed, and when they are believed no longer', async () => {
    const desk = new Desk();
    await desk.try(ALICE);
    await desk.try(guess(0));
    desk.revision = '2';
    await desk.try(ALICE);
    await desk.try(guess(0));
    assert.equal(desk.checks, 4);
    desk.now = BELIEVED_MS - 1;
    await desk.try(ALICE);
    assert.equal(desk.checks, 4);
    desk.now = BELIEVED_MS;
    await desk.try(ALICE);
    assert.equal(desk.checks, 5);
  });

  test('that nobody can check are neither right nor wrong', async () => {
    const desk = new Desk();
    desk.isSilent = true;
    for (let number = 0; number < 30; number += 1) {
      await assert.rejects(desk.login(ALICE, HOME), TransientError);
    }
    desk.isSilent = false;
    assert.equal(await desk.try(ALICE), 'right');
  });

  test('that were wrong are logged with their address, and nothing that was typed', async () => {
    const desk = new Desk();
    await desk.try({ user: 'typed-as-user', password: 'typed-as-password' });
    assert.equal(desk.lines.length, 1);
    assert.equal(desk.lines[0]?.['address'], HOME);
    assert.doesNotMatch(JSON.stringify(desk.lines), /typed/);
  });
});
