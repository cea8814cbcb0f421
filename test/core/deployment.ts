// What a deployment without settings of its own offers, and makes its images by.
import type { Offer } from '#core/image-request.ts';
import { settingsDigest, type ImageSettings } from '#core/image-settings.ts';
import { LAYER_BUDGET } from '#core/layer-plan.ts';
import { formatPackageSource, type PackageSource } from '#core/package-source.ts';
import { withDefaultSource } from '#core/source-rules.ts';

export const IMAGE_SETTINGS: ImageSettings = {
  layerBudget: LAYER_BUDGET,
  contents: [],
  owner: { uid: 0, gid: 0 },
  extraCommands: undefined,
  importArguments: { config: {}, overlay: undefined },
  indexes: 'whole',
  compression: 'gzip',
};

export const SETTINGS = settingsDigest(IMAGE_SETTINGS);

/** Those of another deployment. */
export const OTHER_SETTINGS = settingsDigest({ ...IMAGE_SETTINGS, layerBudget: 50 });

/** One that has a single package source. */
export function offerOf(source: PackageSource = { kind: 'debian' }): Offer {
  return {
    sources: withDefaultSource([], formatPackageSource(source)),
    platforms: ['linux/amd64'],
    packageLimit: 64,
  };
}
