// Users with a password in a file.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { Log } from '#core/google/log.ts';
import { userNameSchema, type UserName } from '../caller.ts';
import type { IdentityProvider } from './identity.ts';
import { costOf, parsePasswordFile, type PasswordHashes } from './password-file.ts';
import { watchFile } from './watched-file.ts';

export interface PasswordUsers extends IdentityProvider {
  /** What stands for a user's password in a token: another one once the password is another. Undefined where there is no such user. */
  readonly fingerprintOf: (user: UserName) => Promise<string | undefined>;
}

/** Until the file changes, or the instance ends: nobody logs in once for longer than a day's work. */
const BELIEVED_MS = 12 * 3_600_000;

/** Two threads of Node's four: files are read and tokens checked by the others meanwhile. */
const CHECKS_AT_ONCE = 2;

/** What `htpasswd -B` and most others write at least; for a file without users. */
const USUAL_COST = 12;

/** Reads the users of a file, again when it has changed. Throws a ConfigurationError where it cannot be read. */
export function passwordUsers(path: string, log: Log, now: () => number = Date.now): PasswordUsers {
  const parse = (text: string): PasswordHashes => {
    const { hashes, problems } = parsePasswordFile(text);
    for (const { line, problem } of problems) {
      log.error({ path, line }, `DERIVERY_USERS_FILE: line ${line} ${problem}`);
    }
    return hashes;
  };
  const readHashes = watchFile({ path, setting: 'DERIVERY_USERS_FILE', parse, log, now });
  const nameKey = randomBytes(32);

  /**
   * For a name that nobody has: no password fits it, and a check costs what one costs of some user, always the same for a name. So
   * the time that it takes tells nothing of who is a user.
   */
  function nobodysHash(name: string, hashes: PasswordHashes): string {
    const costs = Array.from(hashes.values(), costOf);
    const number = createHmac('sha256', nameKey).update(name).digest().readUInt32BE();
    const cost = costs[number % costs.length] ?? USUAL_COST;
    return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`;
  }

  async function hashOf(name: string): Promise<{ user: UserName; hash: string } | undefined> {
    const user = userNameSchema.safeParse(name);
    const hash = user.success ? (await readHashes()).get(user.data) : undefined;
    return user.success && hash !== undefined ? { user: user.data, hash } : undefined;
  }

  return {
    checksAtOnce: CHECKS_AT_ONCE,
    isFor: () => true,
    revision: async ({ user }) => (await hashOf(user))?.hash ?? '',

    async verify({ user: name, password }) {
      const { verify } = await import('@node-rs/bcrypt');
      const known = await hashOf(name);
      const isRight = await verify(password, known?.hash ?? nobodysHash(name, await readHashes()));
      return known !== undefined && isRight
        ? { user: known.user, believedMs: BELIEVED_MS, fingerprint: fingerprint(known.hash) }
        : undefined;
    },

    fingerprintOf: async user => {
      const known = await hashOf(user);
      return known && fingerprint(known.hash);
    },
  };
}

/** The salt in the hash is 128 bits of chance: nobody finds the hash by this. */
function fingerprint(hash: string): string {
  return createHash('sha256').update(hash).digest('base64url').slice(0, 22);
}
