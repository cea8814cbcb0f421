// Where package sets come from. The operator chooses them, never a client: a client's tag chooses among them.
import { z } from 'zod';
import { ConfigurationError } from './errors.ts';
import { gitUrlSchema } from './git-url.ts';

export const packageSourceSchema = z.discriminatedUnion('kind', [
  /** A nixpkgs channel (`nixos-26.05`) or a commit of nixpkgs. */
  z.object({ kind: z.literal('channel'), name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/) }),
  /** A git repository whose root is a package set. */
  z.object({ kind: z.literal('git'), url: gitUrlSchema }),
  /** A folder on the worker. */
  z.object({ kind: z.literal('path'), folder: z.string().startsWith('/') }),
  /** A flake, as Nix writes references to them; its `legacyPackages` and `packages` are the set. */
  z.object({
    kind: z.literal('flake'),
    reference: z
      .string()
      .max(1000)
      .regex(/^[a-z][a-z0-9+]*:[!-~]+$/, 'is not a full flake reference, as in github:NixOS/nixpkgs')
      .refine(text => !/:\/\/[^/]*@/.test(text), 'holds credentials: leave them to the worker'),
  }),
  /** The bundled set made of Debian packages (nix/debian). */
  z.object({ kind: z.literal('debian') }),
]);

export type PackageSource = z.infer<typeof packageSourceSchema>;

/** The forms of a package source, for people. */
export const SOURCE_FORMS = 'channel:NAME, git:URL, path:/FOLDER, flake:REFERENCE or debian';

/** Parses the setting's form; throws a {@link ConfigurationError} that lists the forms. */
export function parsePackageSource(text: string): PackageSource {
  const colon = text.indexOf(':');
  const kind = colon < 0 ? text : text.slice(0, colon);
  const rest = colon < 0 ? undefined : text.slice(colon + 1);
  const candidate = new Map<string, object>([
    ['channel', { kind, name: rest }],
    ['git', { kind, url: rest }],
    ['path', { kind, folder: rest }],
    ['flake', { kind, reference: rest }],
  ]).get(kind);
  const parsed = packageSourceSchema.safeParse(text === 'debian' ? { kind: 'debian' } : candidate);
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues.find(({ code }) => code === 'custom' || code === 'invalid_format');
  // What is wrong with an address may be that it holds a password: it is not repeated.
  if (kind === 'git' && problem !== undefined && rest !== '') {
    throw new ConfigurationError(`the address behind "git:" ${problem.message}`);
  }
  throw new ConfigurationError(`"${withoutCredentials(text)}" is not a package source: use ${SOURCE_FORMS}`);
}

/** The setting's form of a source: the inverse of {@link parsePackageSource}. */
export function formatPackageSource(source: PackageSource): string {
  switch (source.kind) {
    case 'channel':
      return `channel:${source.name}`;
    case 'git':
      return `git:${source.url}`;
    case 'path':
      return `path:${source.folder}`;
    case 'flake':
      return `flake:${source.reference}`;
    case 'debian':
      return 'debian';
  }
}

/** Where the source's code is to be found, for the label `org.opencontainers.image.source`. */
export function sourceAddress(source: PackageSource): string {
  switch (source.kind) {
    case 'channel':
      return 'https://github.com/NixOS/nixpkgs';
    case 'git':
      return source.url;
    case 'path':
      return `file://${source.folder}`;
    case 'flake':
      return source.reference;
    case 'debian':
      return 'debian';
  }
}

function withoutCredentials(text: string): string {
  return text.replace(/:\/\/[^/]*@/, '://');
}
