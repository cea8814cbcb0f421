// What the prebuild function reads from its environment, once.
import { z } from 'zod';
import { offerSettings, pullSettings } from '#core/google/deployment-settings.ts';
import { cloudSettings, readSettings, type Environment } from '#core/google/settings.ts';
import { workerMachineSettings } from '../worker-machine/settings.ts';

/** The prebuild function's settings, each by its variable. */
export const prebuildSettings = {
  ...cloudSettings,
  ...pullSettings,
  /** The registry's: what it would be asked for. */
  ...offerSettings,
  ...workerMachineSettings,
};

const schema = z.object(prebuildSettings);

export type PrebuildSettings = z.infer<typeof schema>;

/** Throws a ConfigurationError that names every bad setting. */
export function readPrebuildSettings(environment: Environment): Readonly<PrebuildSettings> {
  return readSettings(schema, environment);
}
