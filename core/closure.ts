// A runtime closure: store paths with their sizes and references.
import type { StorePath } from './store-path.ts';

export interface ClosureNode {
  readonly path: StorePath;
  /** Hash of the path's NAR as Nix records it: equal content has an equal hash. */
  readonly narHash: string;
  /** Bytes of the path's NAR. */
  readonly narSize: number;
  /** Direct references, without the path itself. */
  readonly references: readonly StorePath[];
}

export type Closure = readonly ClosureNode[];
