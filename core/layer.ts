// Layers: what is known of one that is stored, and the key under which it is known.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { digestSchema } from './digest.ts';
import type { ClosureNode } from './closure.ts';
import type { User } from './meta-packages.ts';
import { byCodeUnits } from './order.ts';
import type { Owner } from './owner.ts';

/** Changes when the packer writes other bytes for the same store paths. */
export const PACKER_VERSION = 2;

export const layerFactSchema = z.object({
  /** Digest of the compressed bytes: the blob's name. */
  digest: digestSchema,
  /** Digest of the tar. */
  diffId: digestSchema,
  /** Bytes of the blob. */
  size: z.int().nonnegative(),
});

/** What a layer became when it was packed. The first fact stands for good: compressed bytes are never made again to compare. */
export type LayerFact = z.infer<typeof layerFactSchema>;

export const layerKeySchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand('LayerKey');

export type LayerKey = z.infer<typeof layerKeySchema>;

/** What the bytes of a layer depend on besides the store paths and the packer. */
export interface Packing {
  /** Names the compressor and all its settings. */
  readonly compressor: string;
  readonly owner: Owner;
}

/**
 * Key of a layer of store paths: the paths with the hashes of their content (two stores may hold different
 * bytes under one input-addressed path), the packer's version, the compressor and the owner. Sorted, so order does not
 * matter.
 */
export function layerKey(
  nodes: readonly Pick<ClosureNode, 'path' | 'narHash'>[],
  { compressor, owner }: Packing,
): LayerKey {
  return hashKey([PACKER_VERSION, compressor, [owner.uid, owner.gid], 'paths', contents(nodes)]);
}

/** Key of the layer of links into these packages, whose order decides conflicts, for an image of this user. */
export function linksLayerKey(
  packages: readonly Pick<ClosureNode, 'path' | 'narHash'>[],
  { compressor, owner, user }: Packing & { readonly user: User },
): LayerKey {
  return hashKey([
    PACKER_VERSION,
    compressor,
    [owner.uid, owner.gid],
    'links',
    packages.map(({ path, narHash }) => [path, narHash]),
    user,
  ]);
}

/** Key of a layer of links that was changed: by the hash of the tree as it is now. */
export function changedLinksLayerKey(
  narHash: string,
  { compressor, owner, user }: Packing & { readonly user: User },
): LayerKey {
  return hashKey([PACKER_VERSION, compressor, [owner.uid, owner.gid], 'changed links', narHash, user]);
}

function contents(nodes: readonly Pick<ClosureNode, 'path' | 'narHash'>[]): string[][] {
  return nodes.toSorted((a, b) => byCodeUnits(a.path, b.path)).map(({ path, narHash }) => [path, narHash]);
}

function hashKey(canonical: readonly unknown[]): LayerKey {
  return layerKeySchema.parse(createHash('sha256').update(JSON.stringify(canonical)).digest('hex'));
}
