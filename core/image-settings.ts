// The settings of a deployment that change the bytes of its images. They travel as one digest.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PACKER_VERSION } from './layer.ts';
import { PLANNER_VERSION } from './layer-plan.ts';
import { byCodeUnits, inKeyOrder } from './order.ts';
import type { Owner } from './owner.ts';

export const settingsDigestSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand('SettingsDigest');

export type SettingsDigest = z.infer<typeof settingsDigestSchema>;

/** Arguments of the package set itself, by the deployment's policy and never by a client's. */
export interface ImportArguments {
  /** nixpkgs' `config`, as in `{ "allowUnfree": true }`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** One overlay, in Nix (`final: prev: { … }`). */
  readonly overlay: string | undefined;
}

export interface ImageSettings {
  /** Layers of store paths per image. */
  readonly layerBudget: number;
  /** Packages that every image gets besides those of its name: attributes, written as in a name. */
  readonly contents: readonly string[];
  /** Whom the files of an image belong to. */
  readonly owner: Owner;
  /** A shell script that changes the tree of links before it is packed. */
  readonly extraCommands: string | undefined;
  readonly importArguments: ImportArguments;
  /** Whether an index waits for all its platforms, or goes without those whose image cannot be. */
  readonly indexes: 'whole' | 'partial';
  /** What layers are compressed with. */
  readonly compression: Compression;
}

/** The ways to compress a layer that the OCI image specification has. */
export const COMPRESSIONS = ['gzip', 'zstd'] as const;

export type Compression = (typeof COMPRESSIONS)[number];

/** Packages that every image has: certificates, and the names of protocols and services. */
export const ALWAYS_PACKAGES = ['cacert', 'iana-etc'] as const;

/**
 * The digest of everything but the request that the bytes of an image depend on. Of the compressor it has the name, not the
 * version: layers that were compressed by another version are facts, and used as they are.
 */
export function settingsDigest(settings: ImageSettings): SettingsDigest {
  const { layerBudget, contents, owner, extraCommands, importArguments, indexes, compression } = settings;
  const canonical = JSON.stringify([
    PACKER_VERSION,
    PLANNER_VERSION,
    ALWAYS_PACKAGES,
    layerBudget,
    [...new Set(contents)].toSorted(byCodeUnits),
    [owner.uid, owner.gid],
    extraCommands ?? null,
    [inKeyOrder(importArguments.config), importArguments.overlay ?? null],
    indexes,
    // What was made before there was a choice keeps its digest.
    ...(compression === 'gzip' ? [] : [compression]),
  ]);
  return settingsDigestSchema.parse(createHash('sha256').update(canonical).digest('hex'));
}
