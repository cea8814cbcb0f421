// A path in the Nix store.
import { z } from 'zod';
import { byCodeUnits } from './order.ts';

/** Logical store paths: `/nix/store/<32 characters of Nix's base 32>-<name>` (Nix manual, "Store Path"). */
export const storePathSchema = z
  .string()
  .regex(/^\/nix\/store\/[0-9a-df-np-sv-z]{32}-[0-9A-Za-z+._?=-]{1,211}$/, 'is not a Nix store path')
  .brand('StorePath');

export type StorePath = z.infer<typeof storePathSchema>;

/** Parses a logical store path; throws where the text is none. */
export function parseStorePath(text: string): StorePath {
  return storePathSchema.parse(text);
}

/** The part after the hash: `bash-5.2.15`. */
export function storePathName(path: StorePath): string {
  return path.slice('/nix/store/'.length + 33);
}

/** Order by name, then by hash: the same for every revision in which names are. */
export function byName(a: StorePath, b: StorePath): number {
  return byCodeUnits(storePathName(a), storePathName(b)) || byCodeUnits(a, b);
}
