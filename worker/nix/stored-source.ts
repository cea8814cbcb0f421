// A package source at a revision, fetched into the Nix store: what an evaluation starts from.
import type { StorePath } from '#core/store-path.ts';

export interface StoredSource {
  /** Whether its tree is a package set as nixpkgs is one (`import` gives it, or a function to it), or a flake. */
  readonly kind: 'package-set' | 'flake';
  /** A flake's is called `source`: Nix would copy another. */
  readonly path: StorePath;
  /** As `nix-store -q --hash` says it: `sha256:<base 32>`. */
  readonly narHash: string;
}
