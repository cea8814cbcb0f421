// Names that stand for something other than one package. They count only while they lead a name.
import type { Platform } from './platform.ts';

/** Whom a container's programs run as. */
export type User = 'root' | 'nonroot';

export type MetaPackage = { readonly does: string } & (
  { readonly adds: readonly string[] } | { readonly platform: Platform } | { readonly user: User }
);

/** What the meta-package `shell` adds. */
export const SHELL_PACKAGES = ['bashInteractive', 'coreutils', 'moreutils', 'nano'] as const;

/** nixpkgs' stdenv, its compiler, and the tools that it has on the PATH of every build (`stdenv.initialPath`). */
const STDENV = [
  'stdenv',
  'stdenv.cc',
  'stdenv.cc.bintools',
  'bzip2',
  'diffutils',
  'file',
  'findutils',
  'gawk',
  'gnugrep',
  'gnumake',
  'gnused',
  'gnutar',
  'gzip',
  'patch',
  'xz',
] as const;

/** Every meta-package, and what it does in a sentence for people. */
export const META_PACKAGES: Readonly<Record<string, MetaPackage>> = {
  shell: {
    adds: SHELL_PACKAGES,
    does: 'adds an interactive bash, coreutils, moreutils and nano, and starts bash',
  },
  builder: {
    adds: [...SHELL_PACKAGES, ...STDENV],
    does: 'adds what shell does, and stdenv with its tools: a C compiler, make, tar, sed and so on',
  },
  nonroot: {
    user: 'nonroot',
    does: 'runs programs as user 1000, who has a home of its own, and not as root',
  },
  amd64: { platform: 'linux/amd64', does: 'makes the image for x86-64' },
  arm64: { platform: 'linux/arm64', does: 'makes the image for 64-bit ARM' },
};
