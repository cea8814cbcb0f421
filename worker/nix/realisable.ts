// What can be realised: one output of a derivation.
import type { FoundItem } from './resolve.ts';

/** An output, where it will be, and what people call it. */
export type Realisable = Pick<FoundItem, 'name' | 'drv' | 'output' | 'path'>;
