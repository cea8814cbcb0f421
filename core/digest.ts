// Content addresses: `sha256:<64 hex digits>`, the only algorithm this registry speaks.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { RegistryError } from './errors.ts';

export const digestSchema = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/)
  .brand('Digest');

export type Digest = z.infer<typeof digestSchema>;

/** Parses a digest from a client. The OCI image specification's grammar knows other algorithms; we hold none of them. */
export function parseDigest(text: string): Digest {
  const parsed = digestSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new RegistryError(
    400,
    'DIGEST_INVALID',
    'the digest is not of the form sha256:<64 lower-case hex digits>',
  );
}

/** The digest of bytes at hand. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return digestSchema.parse(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
}

/** The digest that a finished hash stands for. */
export function digestFromHex(hex: string): Digest {
  return digestSchema.parse(`sha256:${hex}`);
}

/** The digest without its algorithm. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
