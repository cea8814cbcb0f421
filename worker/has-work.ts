// Whether there is a build that a worker would take, whatever became of its hint.
import { isClaimable } from '#core/image-life.ts';
import type { SettingsDigest } from '#core/image-settings.ts';
import type { Images } from '#core/google/images.ts';

/**
 * Any that is queued or left by its worker, and any index that waits: its images are to be made first. Documents that this code
 * does not know are left aside, which the janitor tells of.
 */
export async function hasWork(images: Images, settings: SettingsDigest): Promise<boolean> {
  for await (const found of images.unfinished()) {
    if ('error' in found || found.seen.document?.settings !== settings) continue;
    if (isClaimable(found.seen.document.build, found.seen.readTime)) return true;
  }
  return false;
}
