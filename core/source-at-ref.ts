// A package source and a ref of it: what a tag stands for.
import { ConfigurationError } from './errors.ts';
import { HEAD_REF, isGitRef } from './git-ref.ts';
import { formatPackageSource, parsePackageSource, type PackageSource } from './package-source.ts';

export interface SourceAtRef {
  readonly source: PackageSource;
  /** For a git source a branch, a tag, a commit, or {@link HEAD_REF}; for the others always `latest`. */
  readonly ref: string;
}

/**
 * Parses a package source with, for git, `#REF` behind it, or `#latest` for its HEAD. Throws a {@link ConfigurationError}.
 */
export function parseSourceAtRef(text: string): SourceAtRef {
  const { address, ref } = splitRef(text);
  const source = parsePackageSource(address);
  if (ref === undefined) return { source, ref: HEAD_REF };
  if (!isGitRef(ref)) throw new ConfigurationError(`"#${ref}" is no ref that git could have`);
  return { source, ref };
}

/** The inverse of {@link parseSourceAtRef}. */
export function formatSourceAtRef({ source, ref }: SourceAtRef): string {
  return ref === HEAD_REF ? formatPackageSource(source) : `${formatPackageSource(source)}#${ref}`;
}

/** A source's address, and the ref that is written behind it. Only git has refs. */
export function splitRef(text: string): { readonly address: string; readonly ref?: string } {
  const hash = text.startsWith('git:') ? text.indexOf('#') : -1;
  return hash < 0 ? { address: text } : { address: text.slice(0, hash), ref: text.slice(hash + 1) };
}
