// Users with a password in a file.
import { createHash } from 'node:crypto';
import type { Log } from '#core/google/log.ts';
import { userNameSchema, type UserName } from '../caller.ts';
import type { IdentityProvider } from './identity.ts';
import { createNobodysHash } from './nobody.ts';
import { parsePasswordFile, type PasswordHashes } from './password-file.ts';
import { watchFile } from './watched-file.ts';

export interface PasswordUsers extends IdentityProvider {
  /** What stands for a user's password in a token: another one once the password is another. Undefined where there is no such user. */
  readonly fingerprintOf: (user: UserName) => Promise<string | undefined>;
}

/** Until the file changes, or the instance ends: nobody logs in once for longer than a day's work. */
const BELIEVED_MS = 12 * 3_600_000;

/** Two threads of Node's four: files are read and tokens checked by the others meanwhile. */
const CHECKS_AT_ONCE = 2;

export interface PasswordUsersParts {
  /** The file, as `htpasswd -B` writes it. */
  readonly path: string;
  readonly log: Log;
  /** Milliseconds on a clock that does not go back. */
  readonly now?: () => number;
  readonly verifyHash?: (password: string, hash: string) => Promise<boolean>;
}

/** Reads the users of a file, again when it has changed. Throws a ConfigurationError where it cannot be read. */
export function passwordUsers({
  path,
  log,
  now,
  verifyHash = verifyBcrypt,
}: PasswordUsersParts): PasswordUsers {
  const nobodysHash = createNobodysHash();
  const parse = (text: string): PasswordHashes => {
    const { hashes, problems } = parsePasswordFile(text);
    for (const { line, problem } of problems) {
      log.error({ path, line }, `DERIVERY_USERS_FILE: line ${line} ${problem}`);
    }
    return hashes;
  };
  const readHashes = watchFile({ path, setting: 'DERIVERY_USERS_FILE', parse, log, now });
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
      const known = await hashOf(name);
      const isRight = await verifyHash(password, known?.hash ?? nobodysHash(name, await readHashes()));
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

/** The library is loaded by the first login: an instance that only sees tokens starts without. */
async function verifyBcrypt(password: string, hash: string): Promise<boolean> {
  const { verify } = await import('@node-rs/bcrypt');
  return verify(password, hash);
}

/** The salt in the hash is 128 bits of chance: nobody finds the hash by this. */
function fingerprint(hash: string): string {
  return createHash('sha256').update(hash).digest('base64url').slice(0, 22);
}
