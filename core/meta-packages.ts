// Names that stand for something other than one package. They count only while they lead a name.
import type { Platform } from './platform.ts';

export type MetaPackage =
  | { readonly adds: readonly string[]; readonly does: string }
  | { readonly platform: Platform; readonly does: string };

/** Every meta-package, and what it does in a sentence for people. */
export const META_PACKAGES: Readonly<Record<string, MetaPackage>> = {
  shell: {
    adds: ['bashInteractive', 'coreutils', 'moreutils', 'nano'],
    does: 'adds an interactive bash, coreutils, moreutils and nano, and starts bash',
  },
  amd64: { platform: 'linux/amd64', does: 'makes the image for x86-64 (the default)' },
  arm64: { platform: 'linux/arm64', does: 'makes the image for 64-bit ARM' },
};
