// What clients send to log in, and how they read what they are told.
import assert from 'node:assert/strict';
import { z } from 'zod';
import type { Received, Served } from '../served.ts';
import { specError } from '../spec-errors.ts';

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

const grantedSchema = z.strictObject({
  token: z.string(),
  access_token: z.string(),
  scope: z.string(),
  expires_in: z.literal(3600),
  issued_at: z.iso.datetime(),
  refresh_token: z.string().optional(),
});

export type Granted = z.infer<typeof grantedSchema>;

/** What an answer of the token endpoint gives. */
export function granted(answer: Received): Granted {
  assert.equal(answer.status, 200, answer.body.toString());
  assert.equal(answer.headers['cache-control'], 'no-store');
  const given = grantedSchema.parse(JSON.parse(answer.body.toString()));
  assert.equal(given.token, given.access_token);
  return given;
}

/** A form as clients post it for a token. */
export function postForm(
  served: Served,
  form: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Received> {
  return served.send('/token', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
  });
}

/** The parameters of a challenge; asserts that there is one only, of this scheme, in an answer that nobody keeps. */
export function challenge(answer: Received, scheme: 'Basic' | 'Bearer'): Readonly<Record<string, string>> {
  assert.equal(specError(answer, 401).code, 'UNAUTHORIZED');
  assert.match(answer.headers['cache-control'] ?? '', /no-store/);
  const header = answer.headers['www-authenticate'] ?? '';
  assert.match(header, new RegExp(`^${scheme} (?:[a-z]+="[^"]*"(?:,|$))+$`), header);
  return Object.fromEntries(
    [...header.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
}
