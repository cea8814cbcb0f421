// What the janitor reads from its environment, once.
import { imageSettings } from '#core/google/deployment-settings.ts';
import { retentionSettings } from '#core/google/retention-settings.ts';
import { cloudSettings } from '#core/google/settings.ts';

/** The janitor's settings, each by its variable. */
export const janitorSettings = {
  ...cloudSettings,
  /** By which it knows the builds that this deployment's workers take. */
  ...imageSettings,
  ...retentionSettings,
};
