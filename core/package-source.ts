// Where package sets come from. The operator chooses them, never a client: a client's tag chooses among them.
import { z } from 'zod';
import { ConfigurationError } from './errors.ts';
import { parseFlakeReference } from './flake-reference.ts';
import { CREDENTIALS, gitUrlSchema, holdsCredentials } from './git-url.ts';

const flakeReferenceSchema = z
  .string()
  .max(1000)
  .regex(/^[!-~]*$/, 'has characters that no address has')
  .refine(text => !holdsCredentials(text), CREDENTIALS)
  .superRefine((text, context) => {
    try {
      parseFlakeReference(text);
    } catch (error) {
      const isOurs = error instanceof ConfigurationError;
      context.addIssue({ code: 'custom', message: isOurs ? error.message : 'has a "%" that is no escape' });
    }
  });

export const packageSourceSchema = z.discriminatedUnion('kind', [
  /** A nixpkgs channel (`nixos-26.05`) or a commit of nixpkgs. */
  z.object({ kind: z.literal('channel'), name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/) }),
  /** A git repository whose root is a package set. */
  z.object({ kind: z.literal('git'), url: gitUrlSchema }),
  /** A folder on the worker. */
  z.object({ kind: z.literal('path'), folder: z.string().startsWith('/') }),
  /** A flake; its `legacyPackages` and `packages` are the set. */
  z.object({ kind: z.literal('flake'), reference: flakeReferenceSchema }),
  /** The bundled set made of Debian packages (nix/debian). */
  z.object({ kind: z.literal('debian') }),
]);

export type PackageSource = z.infer<typeof packageSourceSchema>;

/** The forms of a package source, for people. */
export const SOURCE_FORMS = 'channel:NAME, git:URL, path:/FOLDER, flake:REFERENCE or debian';

/** Parses the setting's form; throws a {@link ConfigurationError} that says what is wrong, or lists the forms. */
export function parsePackageSource(text: string): PackageSource {
  const [kind, rest] = splitAtFirst(text, ':');
  const parsed = packageSourceSchema.safeParse(candidate(kind, rest));
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues.find(({ code }) => code === 'custom' || code === 'invalid_format');
  if ((kind === 'git' || kind === 'flake') && problem !== undefined && rest !== '') {
    // It is not repeated: what is wrong with it may be that it holds a password.
    throw new ConfigurationError(`the address behind "${kind}:" ${problem.message}`);
  }
  throw new ConfigurationError(`"${withoutCredentials(text)}" is not a package source: use ${SOURCE_FORMS}`);
}

function candidate(kind: string, rest: string | undefined): object | undefined {
  switch (kind) {
    case 'channel':
      return { kind, name: rest };
    case 'git':
      return { kind, url: rest };
    case 'path':
      return { kind, folder: rest };
    case 'flake':
      return { kind, reference: rest };
    case 'debian':
      return rest === undefined ? { kind } : undefined;
    default:
      return undefined;
  }
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

/** The text for a message: of what has an "@" in it nothing that stands before, for it may be a password. */
export function withoutCredentials(text: string): string {
  return text.replaceAll(/\S*@/g, '…@');
}

/** The text before and behind the first separator; without one, only the text. */
function splitAtFirst(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
