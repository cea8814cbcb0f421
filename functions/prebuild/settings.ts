// What the prebuild function reads from its environment, once.
import { z } from 'zod';
import {
  cloudSettings,
  pullSettings,
  readSettings,
  sourceSetting,
  type Environment,
} from '#core/google/settings.ts';

const schema = z.object({
  ...cloudSettings,
  ...pullSettings,
  /** The registry's package set: what it would be asked for. */
  DERIVERY_SOURCE: sourceSetting,
});

export type PrebuildSettings = z.infer<typeof schema>;

/** Throws a ConfigurationError that names every bad setting. */
export function readPrebuildSettings(environment: Environment): Readonly<PrebuildSettings> {
  return readSettings(schema, environment);
}
