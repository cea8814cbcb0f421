// A stand-in for what Google says of tokens: whose an access token is, and the keys that ID tokens are signed with.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { startHttpServer } from '../http-server.ts';

export interface GoogleIdentitiesServer {
  readonly tokenInfoUrl: string;
  readonly keysUrl: string;
  /** An access token that Google knows: as it answers, every value is a string. */
  accessToken(info: Readonly<Record<string, string>>): string;
  /** Google does not know it any more. */
  revoke(token: string): void;
  /** An ID token of Google's, of an hour where the claims say nothing else. `key`: another than Google's signs. */
  idToken(claims: JWTPayload, key?: CryptoKey): Promise<string>;
  /** How often it was asked of tokens, and for keys. */
  readonly asked: { readonly tokens: number; readonly keys: number };
  /** Answers 500 to all from now on. */
  fail(): void;
  close(): Promise<void>;
}

const KEY_ID = 'the-only-key';

/** Starts a stand-in on 127.0.0.1, with a key of its own that is gone with it. */
export async function startGoogleIdentities(): Promise<GoogleIdentitiesServer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'RS256', use: 'sig' }] };
  const known = new Map<string, Readonly<Record<string, string>>>();
  const asked = { tokens: 0, keys: 0 };
  let fails = false;

  /** https://oauth2.googleapis.com/tokeninfo, with the token in a form or, as in older clients, in the query. */
  async function tokenInfo(request: IncomingMessage): Promise<[status: number, body: object]> {
    asked.tokens += 1;
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    const form = new URLSearchParams(await text(request));
    const info = known.get(form.get('access_token') ?? searchParams.get('access_token') ?? '');
    return info === undefined
      ? [400, { error: 'invalid_token', error_description: 'Invalid Value' }]
      : [200, info];
  }

  async function answer(request: IncomingMessage): Promise<[status: number, body: object]> {
    if (fails) return [500, { error: 'internal_failure' }];
    switch (request.url?.split('?', 1)[0]) {
      case '/tokeninfo':
        return tokenInfo(request);
      case '/oauth2/v3/certs':
        asked.keys += 1;
        return [200, keys];
      default:
        return [404, { error: 'The local stand-in for Google’s identities does not answer this.' }];
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [status, body] = await answer(request);
    response
      .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
      .end(JSON.stringify(body));
  }

  const server = await startHttpServer(serve);
  return {
    tokenInfoUrl: `${server.url}/tokeninfo`,
    keysUrl: `${server.url}/oauth2/v3/certs`,
    asked,
    accessToken(info) {
      const token = `ya29.local-${known.size}-${'x'.repeat(100)}`;
      known.set(token, info);
      return token;
    },
    revoke: token => void known.delete(token),
    idToken: (claims, key = privateKey) =>
      new SignJWT({ iss: 'https://accounts.google.com', email_verified: true, exp: inAnHour(), ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: KEY_ID, typ: 'JWT' })
        .setIssuedAt()
        .sign(key),
    fail: () => void (fails = true),
    close: () => server.close(),
  };
}

function inAnHour(): number {
  return Math.floor(Date.now() / 1000) + 3600;
}
