// A file of users as htpasswd writes it: `name:bcrypt hash` in each line.
import { userNameSchema, type UserName } from '../caller.ts';

/** Each user's bcrypt hash. */
export type PasswordHashes = ReadonlyMap<UserName, string>;

export interface ParsedPasswordFile {
  readonly hashes: PasswordHashes;
  /** What is wrong with which line, from 1. Never what stands there: it may be a password. */
  readonly problems: readonly { readonly line: number; readonly problem: string }[];
}

/**
 * 16 bytes of salt and 23 of the hash, in characters of six bits: the last of each has bits left over, which are zero. With others
 * no password would fit, and the check end at once: who waits for it could tell that there is such a user.
 */
const BCRYPT = /^\$2[aby]\$(?<cost>\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/;

/** A check at cost 14 takes a second. One that is more costly would keep all others waiting. */
const COSTS = { least: 4, most: 14 };

/** Empty lines and comments (`#`) are skipped. A line that is wrong takes no other user away. */
export function parsePasswordFile(text: string): ParsedPasswordFile {
  const hashes = new Map<UserName, string>();
  const problems: { line: number; problem: string }[] = [];
  for (const [index, untrimmed] of text.split('\n').entries()) {
    const entry = untrimmed.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    const colon = entry.indexOf(':');
    const name = userNameSchema.safeParse(entry.slice(0, Math.max(colon, 0)));
    const hash = entry.slice(colon + 1);
    const problem = !name.success
      ? 'is not "name:hash", with a name of up to 255 ASCII characters without spaces'
      : hashes.has(name.data)
        ? 'has a user whom an earlier line has too; that one counts'
        : whyNoHash(hash);
    if (problem !== undefined) problems.push({ line: index + 1, problem });
    else if (name.success) hashes.set(name.data, hash);
  }
  return { hashes, problems };
}

function whyNoHash(hash: string): string | undefined {
  const cost = Number(BCRYPT.exec(hash)?.groups?.['cost']);
  if (Number.isNaN(cost)) return 'has no bcrypt hash ($2y$, $2b$ or $2a$), as `htpasswd -B` writes it';
  if (cost < COSTS.least || cost > COSTS.most)
    return `has a hash of a cost not from ${COSTS.least} to ${COSTS.most}`;
  return undefined;
}

/** What a hash costs to check: each more takes twice as long. */
export function costOf(hash: string): number {
  return Number(BCRYPT.exec(hash)?.groups?.['cost']);
}
