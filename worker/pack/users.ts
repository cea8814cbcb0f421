// The users that an image knows, as passwd(5) and group(5) have them.
import type { User } from '#core/meta-packages.ts';
import type { Owner } from '#core/owner.ts';

export interface Account extends Owner {
  readonly name: string;
  readonly home: string;
}

const ROOT: Account = { name: 'root', uid: 0, gid: 0, home: '/root' };

const NONROOT: Account = { name: 'nonroot', uid: 1000, gid: 1000, home: '/home/nonroot' };

/** Whom kernel and network file systems name where they have no name. nixpkgs gives it this home, an empty folder. */
const NOBODY: Account = { name: 'nobody', uid: 65_534, gid: 65_534, home: '/var/empty' };

/** The account that an image's programs run as. */
export function accountOf(user: User): Account {
  return user === 'root' ? ROOT : NONROOT;
}

/** The file /etc/passwd of an image for `user`, whose login shell is `shell`. */
export function passwd(user: User, shell: string): string {
  return accounts(user)
    .map(account => {
      const { name, uid, gid, home } = account;
      return `${name}:x:${uid}:${gid}:${name}:${home}:${account === NOBODY ? '/sbin/nologin' : shell}\n`;
    })
    .join('');
}

/** The file /etc/group of an image for `user`. */
export function group(user: User): string {
  return accounts(user)
    .map(({ name, gid }) => `${name}:x:${gid}:\n`)
    .join('');
}

function accounts(user: User): Account[] {
  return [...new Set([ROOT, accountOf(user), NOBODY])];
}
