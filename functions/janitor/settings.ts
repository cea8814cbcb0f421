// What the janitor reads from its environment, once.
import { z } from 'zod';
import { pullSettings } from '#core/google/deployment-settings.ts';
import { retentionSettings } from '#core/google/retention-settings.ts';
import { cloudSettings, readSettings, type Environment } from '#core/google/settings.ts';
import { workerMachineSettings } from '../worker-machine/settings.ts';

/** The janitor's settings, each by its variable. */
export const janitorSettings = {
  ...cloudSettings,
  /** By which it knows the builds that this deployment's workers take, and the images that are to be made again. */
  ...pullSettings,
  ...retentionSettings,
  ...workerMachineSettings,
  DERIVERY_BUCKET: z.string().min(1),
  /** Of the most used images, how many are made again as soon as their sources move, before anyone pulls them. */
  DERIVERY_POPULAR_IMAGES: z.coerce.number().int().min(0).max(1_000).default(50),
  /** Whether every run only says what it would collect. */
  DERIVERY_JANITOR_DRY_RUN: z
    .enum(['true', 'false'])
    .default('false')
    .transform(text => text === 'true'),
};

const schema = z.object(janitorSettings);

export type JanitorSettings = Readonly<z.infer<typeof schema>>;

/** Throws a ConfigurationError that names every bad setting. */
export function readJanitorSettings(environment: Environment): JanitorSettings {
  return readSettings(schema, environment);
}
