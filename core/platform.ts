// The platforms images are made for.
import { z } from 'zod';

export const platformSchema = z.enum(['linux/amd64', 'linux/arm64']);

export type Platform = z.infer<typeof platformSchema>;

/** The OCI image configuration's `architecture`. */
export function architectureOf(platform: Platform): 'amd64' | 'arm64' {
  return platform === 'linux/amd64' ? 'amd64' : 'arm64';
}

/** Nix's name of the platform, its `system`. */
export function nixSystemOf(platform: Platform): 'x86_64-linux' | 'aarch64-linux' {
  return platform === 'linux/amd64' ? 'x86_64-linux' : 'aarch64-linux';
}
