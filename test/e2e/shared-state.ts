// What systems of tests have of the set and the store that all tests share, so that it is fetched and built once only.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseImageRequest } from '#core/image-request.ts';
import { ALWAYS_PACKAGES } from '#core/image-settings.ts';
import { nixSystemOf } from '#core/platform.ts';
import { parseRepositoryName, parseTag } from '#core/reference.ts';
import { offerOf } from '#test/core/deployment.ts';
import { build, copyDebianSet, debianSet } from '#test/nix/debian-set.ts';

/** Gives a state folder the Debian packages, copied: a system that starts on it downloads none. */
export async function givePackages(state: string): Promise<void> {
  await mkdir(state, { recursive: true });
  await copyDebianSet(join(state, 'debian'));
}

/**
 * Builds what these images are made of in the shared store, unless it is there. Gives the lines of nix.conf with which a
 * system copies it from there, and builds only what else it needs.
 */
export async function buildForAll(images: readonly string[]): Promise<string> {
  const set = await debianSet();
  for (const name of images) {
    const { packages, platforms } = parseImageRequest(
      parseRepositoryName(name),
      parseTag('latest'),
      offerOf(),
    );
    for (const platform of platforms) {
      await build({ ...set, system: nixSystemOf(platform) }, [...ALWAYS_PACKAGES, ...packages]);
    }
  }
  // Nobody signs what is built here. A program that was run there as root may have written beside itself, as Python does:
  // such a path is no longer what it was, and is built.
  return `substituters = ${set.store}?trusted=1\nfallback = true\n`;
}
