// The settings that say what a deployment offers, and what its images are made by. Registry, prebuild and worker have to
// agree on them.
import { z } from 'zod';
import { PACKAGE_LIMIT, type Offer } from '../image-request.ts';
import { COMPRESSIONS, settingsDigest, type ImageSettings } from '../image-settings.ts';
import { LAYER_BUDGET } from '../layer-plan.ts';
import { platformSchema, type Platform } from '../platform.ts';
import type { PullPolicy } from '../pull-decision.ts';
import { META_PACKAGES } from '../meta-packages.ts';
import { parseSourceRules, withDefaultSource } from '../source-rules.ts';
import { parseSourceAtRef } from '../source-at-ref.ts';
import { parsedSetting } from './settings.ts';

/** Where packages come from. */
export const sourceSettings = {
  /** The package set behind the tag `latest`, in the form that `withDefaultSource` takes. */
  DERIVERY_SOURCE: parsedSetting(text => {
    parseSourceAtRef(text);
    return text;
  }),
  /** What other tags stand for: `TAGS=SOURCE` rules, separated by white space. */
  DERIVERY_SOURCES: parsedSetting(parseSourceRules).default([]),
};

/** A file's owner, as the tar header has room for it. */
const ownerId = z.coerce.number().int().min(0).max(0o7777777);

/** What every image of a deployment is made by: it changes the bytes. */
export const imageSettings = {
  /** Layers of store paths per image. Docker's graph drivers stop at 127 in all. */
  DERIVERY_LAYER_BUDGET: z.coerce.number().int().min(1).max(120).default(LAYER_BUDGET),
  /** Packages that every image gets besides those of its name, separated by spaces. */
  DERIVERY_CONTENTS: parsedSetting(parsePackageNames).default([]),
  DERIVERY_UID: ownerId.default(0),
  DERIVERY_GID: ownerId.default(0),
  /** A shell script that is run in the tree of links before it is packed. */
  DERIVERY_EXTRA_COMMANDS: z.string().max(16_384).optional(),
  /** nixpkgs' `config`, as a JSON object: `{"allowUnfree": true}`. */
  DERIVERY_NIXPKGS_CONFIG: parsedSetting(parseObject).default({}),
  /** One overlay, in Nix: `final: prev: { … }`. */
  DERIVERY_OVERLAY: z.string().max(65_536).optional(),
  /** Whether an index waits for all its platforms, or goes without those whose image cannot be. */
  DERIVERY_INDEXES: z.enum(['whole', 'partial']).default('whole'),
  /** What layers are compressed with. */
  DERIVERY_COMPRESSION: z.enum(COMPRESSIONS).default('gzip'),
};

/** What decides how a pull is answered. */
export const pullSettings = {
  ...imageSettings,
  /** For how long a source's revision is gone by before it is looked at again. */
  DERIVERY_FRESH_SECONDS: z.coerce
    .number()
    .nonnegative()
    .default(6 * 3600),
  /** For how long an image is served after its source has moved on, where no newer one can be made. */
  DERIVERY_STALE_SECONDS: z.coerce
    .number()
    .positive()
    .default(7 * 24 * 3600),
};

/** What clients may ask for. */
export const offerSettings = {
  ...sourceSettings,
  /** What images are made for whose names say nothing of it; several make an index. */
  DERIVERY_PLATFORMS: parsedSetting(parsePlatforms).default(['linux/amd64']),
  /** Packages that one image may have, those of meta-packages included. */
  DERIVERY_PACKAGE_LIMIT: z.coerce.number().int().positive().default(PACKAGE_LIMIT),
};

type Read<T extends z.core.$ZodLooseShape> = z.infer<z.ZodObject<T>>;

/** The image settings that {@link imageSettings} come to. */
export function imageSettingsOf(settings: Read<typeof imageSettings>): ImageSettings {
  return {
    layerBudget: settings.DERIVERY_LAYER_BUDGET,
    contents: settings.DERIVERY_CONTENTS,
    owner: { uid: settings.DERIVERY_UID, gid: settings.DERIVERY_GID },
    extraCommands: settings.DERIVERY_EXTRA_COMMANDS,
    importArguments: { config: settings.DERIVERY_NIXPKGS_CONFIG, overlay: settings.DERIVERY_OVERLAY },
    indexes: settings.DERIVERY_INDEXES,
    compression: settings.DERIVERY_COMPRESSION,
  };
}

/** The policy that {@link pullSettings} come to. */
export function pullPolicy(settings: Read<typeof pullSettings>): PullPolicy {
  return {
    settings: settingsDigest(imageSettingsOf(settings)),
    freshMs: settings.DERIVERY_FRESH_SECONDS * 1000,
    staleMs: settings.DERIVERY_STALE_SECONDS * 1000,
  };
}

/** The offer that {@link offerSettings} come to: the operator's rules first, then the default source's. */
export function offerOf(settings: Read<typeof offerSettings>): Offer {
  return {
    sources: withDefaultSource(settings.DERIVERY_SOURCES, settings.DERIVERY_SOURCE),
    platforms: settings.DERIVERY_PLATFORMS,
    packageLimit: settings.DERIVERY_PACKAGE_LIMIT,
  };
}

function parsePlatforms(text: string): [Platform, ...Platform[]] {
  const parsed = z.tuple([platformSchema], platformSchema).safeParse(words(text));
  if (parsed.success) return parsed.data;
  throw new Error(`names platforms, separated by spaces, of ${platformSchema.options.join(' and ')}`);
}

/** Attributes, or what stands for them in the name of an image. */
function parsePackageNames(text: string): string[] {
  const names = words(text);
  for (const name of names) {
    if (Object.hasOwn(META_PACKAGES, name)) {
      throw new Error(`"${name}" stands for more than a package: write the packages themselves`);
    }
    if (!/^[A-Za-z0-9_][A-Za-z0-9._+'-]*$/.test(name)) throw new Error(`"${name}" is no package's name`);
  }
  return names;
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('is not JSON');
  }
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error('is not a JSON object, as in {"allowUnfree": true}');
}

/** White space and commas separate: people write both. */
function words(text: string): string[] {
  return text.split(/[\s,]+/).filter(word => word !== '');
}
