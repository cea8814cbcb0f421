// What a password is checked against for a name that nobody has.
import { createHmac, randomBytes } from 'node:crypto';
import { costOf, type PasswordHashes } from './password-file.ts';

/** What `htpasswd -B` and most others write at least; for a file without users. */
const USUAL_COST = 12;

/** A hash that no password fits (53 characters of zero bits), and which costs what that of some user does. */
export type NobodysHash = (name: string, hashes: PasswordHashes) => string;

/** Always the same cost for a name: so the time that a check takes tells nothing of who is a user. */
export function createNobodysHash(): NobodysHash {
  const key = randomBytes(32);
  return (name, hashes) => {
    const costs = Array.from(hashes.values(), costOf);
    const number = createHmac('sha256', key).update(name).digest().readUInt32BE();
    const cost = costs[number % costs.length] ?? USUAL_COST;
    return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`;
  };
}
