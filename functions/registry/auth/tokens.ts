// The tokens that this registry signs: JSON Web Tokens that every instance of it can check without asking anyone.
import { createSecretKey, type KeyObject } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { z } from 'zod';
import { repositoryNameSchema, type RepositoryName } from '#core/reference.ts';
import { userNameSchema, type UserName } from '../caller.ts';

/** What lets a client pull. */
export interface AccessToken {
  /** Undefined: nobody has logged in. */
  readonly user: UserName | undefined;
  readonly repositories: readonly RepositoryName[];
}

/** What lets a client have access tokens without the password (docker's "identity token"). */
export interface RefreshToken {
  readonly user: UserName;
  /** Of the password that it was given for. */
  readonly fingerprint: string;
}

/** Longer than a client that follows nine redirects can wait for a build. Seconds. */
export const ACCESS_SECONDS = 3600;

/** A person logs in again every quarter of a year. Seconds. */
const REFRESH_SECONDS = 90 * 24 * 3600;

const ISSUER = 'derivery';
const ALGORITHM = 'HS256';

/** Instances agree on the time this well. Seconds. */
const CLOCK_TOLERANCE = 10;

const accessSchema = z.object({
  sub: userNameSchema.optional(),
  access: z.array(
    z.object({
      type: z.literal('repository'),
      name: repositoryNameSchema,
      actions: z.tuple([z.literal('pull')]),
    }),
  ),
});
const refreshSchema = z.object({ sub: userNameSchema, fingerprint: z.string() });

/** What a token is for stands in its header, so that one is never taken for the other (RFC 8725, section 3.11). */
const TYPES = { access: 'at+jwt', refresh: 'refresh+jwt' } as const;

export type Tokens = ReturnType<typeof createTokens>;

/**
 * `secrets`: the first signs, all are believed, so that one can be replaced while tokens are out. `service`: the host that a token is
 * for; it is worth nothing at another. Reading answers undefined for whatever is not ours, not of now, or not for the service.
 * `now`: milliseconds since the epoch.
 */
export function createTokens(secrets: readonly [string, ...string[]], now: () => number = Date.now) {
  const [signing, ...others] = secrets.map(secret => createSecretKey(Buffer.from(secret)));

  async function sign(typ: string, service: string, claims: JWTPayload, seconds: number): Promise<string> {
    if (signing === undefined) throw new Error('there is no secret to sign with');
    const { SignJWT } = await import('jose');
    const issuedAt = Math.floor(now() / 1000);
    return new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, typ })
      .setIssuer(ISSUER)
      .setAudience(service)
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setExpirationTime(issuedAt + seconds)
      .sign(signing);
  }

  async function read(typ: string, service: string, token: string): Promise<JWTPayload | undefined> {
    const keys = signing === undefined ? [] : [signing, ...others];
    for (const key of keys) {
      const payload = await verified(key, typ, service, token);
      if (payload !== undefined) return payload;
    }
    return undefined;
  }

  async function verified(
    key: KeyObject,
    typ: string,
    service: string,
    token: string,
  ): Promise<JWTPayload | undefined> {
    const { errors, jwtVerify } = await import('jose');
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [ALGORITHM],
        typ,
        issuer: ISSUER,
        audience: service,
        requiredClaims: ['exp', 'nbf'],
        clockTolerance: CLOCK_TOLERANCE,
        currentDate: new Date(now()),
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  return {
    signAccess({ user, repositories }: AccessToken, service: string): Promise<string> {
      const access = repositories.map(name => ({ type: 'repository', name, actions: ['pull'] }));
      return sign(
        TYPES.access,
        service,
        { ...(user !== undefined && { sub: user }), access },
        ACCESS_SECONDS,
      );
    },

    async readAccess(token: string, service: string): Promise<AccessToken | undefined> {
      const claims = accessSchema.safeParse(await read(TYPES.access, service, token)).data;
      return claims && { user: claims.sub, repositories: claims.access.map(({ name }) => name) };
    },

    signRefresh({ user, fingerprint }: RefreshToken, service: string): Promise<string> {
      return sign(TYPES.refresh, service, { sub: user, fingerprint }, REFRESH_SECONDS);
    },

    async readRefresh(token: string, service: string): Promise<RefreshToken | undefined> {
      const claims = refreshSchema.safeParse(await read(TYPES.refresh, service, token)).data;
      return claims && { user: claims.sub, fingerprint: claims.fingerprint };
    },
  };
}
