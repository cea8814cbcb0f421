// What the worker reads from its environment, once.
import { availableParallelism, totalmem } from 'node:os';
import { z } from 'zod';
import { pullSettings, sourceSettings } from '#core/google/deployment-settings.ts';
import { sourceKinds } from '#core/source-rules.ts';
import { cloudSettings, readSettings, type Environment } from '#core/google/settings.ts';

/** What a build is reckoned to need, and what each of its processes may have. */
const MEMORY_PER_SLOT_MIB = 4096;

const MIB = 1024 * 1024;

/** The worker's settings, each by its variable. */
export const workerSettings = {
  ...cloudSettings,
  ...pullSettings,
  DERIVERY_BUILDS_SUBSCRIPTION: z.string().min(1).default('builds'),
  DERIVERY_REFRESHES_SUBSCRIPTION: z.string().min(1).default('refreshes'),
  DERIVERY_BUCKET: z.string().min(1),
  ...sourceSettings,
  /** Folder of the bundled Debian package set, where that is a source. */
  DERIVERY_DEBIAN_SET: z.string().startsWith('/').optional(),
  /** A Nix store of the worker's own (a chroot store); without it the machine's. */
  DERIVERY_NIX_STORE: z.string().startsWith('/').optional(),
  /** The most that the store may have, in GB, unpacked; without it only its disk is looked at. */
  DERIVERY_STORE_LIMIT_GB: z.coerce.number().positive().optional(),
  /** What is to be free on the store's disk, in GB; without it a share of the disk. */
  DERIVERY_STORE_FREE_GB: z.coerce.number().nonnegative().optional(),
  /** Nix's own settings, handed on as they are. */
  NIX_CONFIG: z.string().default(''),
  /** Packed layers lie here until they are uploaded. */
  DERIVERY_SPOOL: z.string().startsWith('/'),
  /** Builds at a time. */
  DERIVERY_BUILD_SLOTS: z.coerce.number().int().positive().default(defaultSlots(thisMachine())),
  /**
   * Memory that each process of a build may have, in MiB: an evaluation, which is one process, and each process of a
   * builder. Below the least nothing of nixpkgs can be evaluated.
   */
  DERIVERY_BUILD_MEMORY_MB: z.coerce.number().int().min(256).default(MEMORY_PER_SLOT_MIB),
  /** Memory that an evaluation may have, in MiB, and the seconds that it may take. */
  DERIVERY_EVALUATION_MEMORY_MB: z.coerce.number().int().min(256).default(MEMORY_PER_SLOT_MIB),
  DERIVERY_EVALUATION_SECONDS: z.coerce.number().positive().max(3600).default(120),
  /** The most bytes that an image's packages may have with all that they need, unpacked. In MB, of 1,000,000 bytes. */
  DERIVERY_CLOSURE_LIMIT_MB: z.coerce.number().positive().default(5000),
  /** A worker that is not heard of for so long has lost its builds. */
  DERIVERY_LEASE_SECONDS: z.coerce.number().positive().max(3600).default(30),
  /** The longest that one build may take, in seconds, without its waits for others: what takes longer has failed. */
  DERIVERY_BUILD_SECONDS: z.coerce.number().positive().max(86_400).default(3600),
  /** A worker that had no build for so many minutes ends; without it, it waits for ever. */
  DERIVERY_IDLE_MINUTES: z.coerce.number().positive().max(10_080).optional(),
  /** Where channels say their present revision. */
  DERIVERY_CHANNELS_URL: z.url().default('https://channels.nixos.org'),
  /** Where nixpkgs is to be had, as `<commit>.tar.gz`. */
  DERIVERY_ARCHIVES_URL: z.url().default('https://github.com/NixOS/nixpkgs/archive'),
};

const schema = z
  .object(workerSettings)
  .refine(
    ({ DERIVERY_SOURCE, DERIVERY_SOURCES, DERIVERY_DEBIAN_SET }) =>
      DERIVERY_DEBIAN_SET !== undefined || !sourceKinds(DERIVERY_SOURCES, DERIVERY_SOURCE).has('debian'),
    { path: ['DERIVERY_DEBIAN_SET'], message: 'must name the folder of the Debian package set' },
  );

/** Two cores a build, which packs on one while Nix builds on the other, and its share of the memory; at least one build. */
export function defaultSlots({ cores, memoryMib }: { cores: number; memoryMib: number }): number {
  return Math.max(1, Math.min(Math.floor(cores / 2), Math.floor(memoryMib / MEMORY_PER_SLOT_MIB)));
}

function thisMachine(): { cores: number; memoryMib: number } {
  // A container may have less than the machine. What is not constrained is 0, or more than there is.
  const bytes = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  return { cores: availableParallelism(), memoryMib: bytes / MIB };
}

export type WorkerSettings = z.infer<typeof schema>;

/** Throws a ConfigurationError that names every bad setting. */
export function readWorkerSettings(environment: Environment): Readonly<WorkerSettings> {
  return readSettings(schema, environment);
}
