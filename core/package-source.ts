// Where a deployment's package set comes from. The operator chooses it, never a client.
import { z } from 'zod';
import { ConfigurationError } from './errors.ts';

export const packageSourceSchema = z.discriminatedUnion('kind', [
  /** A nixpkgs channel (`nixos-26.05`) or a commit of nixpkgs. */
  z.object({ kind: z.literal('channel'), name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/) }),
  /** A git repository whose root is a package set; tags of the image name are its refs. */
  z.object({ kind: z.literal('git'), url: z.string().min(1).max(1000) }),
  /** A folder on the worker. */
  z.object({ kind: z.literal('path'), folder: z.string().startsWith('/') }),
  /** The bundled set made of Debian packages (nix/debian). */
  z.object({ kind: z.literal('debian') }),
]);

export type PackageSource = z.infer<typeof packageSourceSchema>;

const FORMS = 'channel:NAME, git:URL, path:/FOLDER or debian';

/** Parses the setting's form; throws a {@link ConfigurationError} that lists the forms. */
export function parsePackageSource(text: string): PackageSource {
  const colon = text.indexOf(':');
  const kind = colon < 0 ? text : text.slice(0, colon);
  const rest = colon < 0 ? undefined : text.slice(colon + 1);
  const candidate: Record<string, object> = {
    channel: { kind, name: rest },
    git: { kind, url: rest },
    path: { kind, folder: rest },
  };
  const parsed = packageSourceSchema.safeParse(text === 'debian' ? { kind: 'debian' } : candidate[kind]);
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(`"${text}" is not a package source: use ${FORMS}`);
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
    case 'debian':
      return 'debian';
  }
}

/** A source for people's eyes: as {@link formatPackageSource}, without credentials that an address may carry. */
export function describePackageSource(source: PackageSource): string {
  return formatPackageSource(source).replace(/:\/\/[^/]*@/, '://');
}
