// Which Google identities may pull.
import { z } from 'zod';
import { userNameSchema, type UserName } from '../caller.ts';

/** Whether an e-mail address is one that may pull. */
export type AllowList = (email: UserName) => boolean;

const DOMAIN = /^\*@(?<domain>[a-z0-9-]+(?:\.[a-z0-9-]+)+)$/;

/** Parses addresses, and domains as `*@example.org`, separated by spaces or commas. Throws an Error that names the bad one. */
export function parseAllowList(text: string): AllowList {
  const entries = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(entry => entry !== '');
  for (const entry of entries) {
    if (!DOMAIN.test(entry) && !z.email().safeParse(entry).success) {
      throw new Error(`"${entry}" is neither an e-mail address nor a domain as in *@example.org`);
    }
  }
  const allowed = new Set(entries);
  return email => allowed.has(email) || allowed.has(`*${email.slice(email.lastIndexOf('@'))}`);
}

/** An e-mail address as a user's name: they are the same in upper and lower case. Undefined where it can be none. */
export function emailUser(email: string): UserName | undefined {
  return userNameSchema.safeParse(email.toLowerCase()).data;
}
