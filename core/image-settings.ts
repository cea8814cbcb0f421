// The settings of a deployment that change the bytes of its images. They travel as one digest.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PACKER_VERSION } from './layer.ts';

export const settingsDigestSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand('SettingsDigest');

export type SettingsDigest = z.infer<typeof settingsDigestSchema>;

export interface ImageSettings {
  /** Layers of store paths per image. */
  readonly layerBudget: number;
}

/** Packages that every image has: certificates, and the names of protocols and services. */
export const ALWAYS_PACKAGES = ['cacert', 'iana-etc'] as const;

/** The digest of everything but the request that the bytes of an image depend on, compressors apart: those are facts. */
export function settingsDigest({ layerBudget }: ImageSettings): SettingsDigest {
  const canonical = JSON.stringify([PACKER_VERSION, ALWAYS_PACKAGES, layerBudget]);
  return settingsDigestSchema.parse(createHash('sha256').update(canonical).digest('hex'));
}
