// Who pulls: what authentication finds out, and what limits count by.
import { z } from 'zod';

/** A name in a file of users, or the e-mail address of a Google identity. The characters are those that logs and headers can have as they are. */
export const userNameSchema = z
  .string()
  .regex(/^[\x21-\x39\x3b-\x7e]{1,255}$/)
  .brand('UserName');

export type UserName = z.infer<typeof userNameSchema>;

/** Somebody who has not logged in. */
export interface AnonymousCaller {
  readonly kind: 'anonymous';
  readonly address: string;
}

/** Whom a request is from. Its address is what the trusted front end says of it (client-address.ts). */
export type Caller =
  AnonymousCaller | { readonly kind: 'user'; readonly user: UserName; readonly address: string };
