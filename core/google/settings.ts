// Settings that every deployable reads from its environment, and how a bad one is reported.
import { z } from 'zod';
import { ConfigurationError } from '../errors.ts';
import { settingsDigest } from '../image-settings.ts';
import { LAYER_BUDGET } from '../layer-plan.ts';
import { parsePackageSource, type PackageSource } from '../package-source.ts';
import type { PullPolicy } from '../pull-decision.ts';

/** The forms of a package source, as a setting. */
export const sourceSetting = z.string().transform((text, context): PackageSource => {
  try {
    return parsePackageSource(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    return z.NEVER;
  }
});

export const cloudSettings = {
  /** Google's own: the project that everything lies in. */
  GOOGLE_CLOUD_PROJECT: z.string().min(1),
  DERIVERY_DATABASE: z.string().min(1).default('(default)'),
  /** Topics that wake the workers: builds that someone waits for, and all others. */
  DERIVERY_BUILDS_TOPIC: z.string().min(1).default('builds'),
  DERIVERY_REFRESHES_TOPIC: z.string().min(1).default('refreshes'),
};

/** What every image of a deployment is made by. Registry and worker have to agree: it changes the bytes. */
export const imageSettings = {
  /** Layers of store paths per image. Docker's graph drivers stop at 127 in all. */
  DERIVERY_LAYER_BUDGET: z.coerce.number().int().min(1).max(120).default(LAYER_BUDGET),
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

/** The policy that {@link pullSettings} come to. */
export function pullPolicy(settings: z.infer<z.ZodObject<typeof pullSettings>>): PullPolicy {
  return {
    settings: settingsDigest({ layerBudget: settings.DERIVERY_LAYER_BUDGET }),
    freshMs: settings.DERIVERY_FRESH_SECONDS * 1000,
    staleMs: settings.DERIVERY_STALE_SECONDS * 1000,
  };
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Parses an environment, once, at the entry of a deployable. Throws a {@link ConfigurationError} of one line that
 * names every bad setting. An empty value counts as not set.
 */
export function readSettings<T extends z.ZodObject>(
  schema: T,
  environment: Environment,
): Readonly<z.infer<T>> {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return Object.freeze(parsed.data);
  const problems = parsed.error.issues.map(issue => {
    const name = issue.path.join('.');
    return set[name] === undefined ? `${name} is not set` : `${name}: ${issue.message}`;
  });
  // A value that is repeated may have line ends.
  throw new ConfigurationError(`configuration: ${problems.join('; ').replaceAll(/\s+/g, ' ')}`);
}
