// What an image says of where it comes from.
import { HEAD_REF } from '#core/git-ref.ts';
import type { ImageRequest } from '#core/image-request.ts';
import { sourceAddress } from '#core/package-source.ts';

/**
 * Annotation of a manifest: the id of the snapshot that its layers were planned by. Of the manifest alone, for it says nothing
 * of what runs: an image of the same layers has the same config, and so the same image id.
 */
export const SNAPSHOT_ANNOTATION = 'org.derivery.layer-snapshot';

/** Labels and annotations (image-spec, annotations.md). A source's address has no credentials in it. */
export function labelsOf(
  { source, ref }: Pick<ImageRequest, 'source' | 'ref'>,
  revision: string,
): Record<string, string> {
  return {
    'org.opencontainers.image.revision': revision,
    'org.opencontainers.image.source': sourceAddress(source),
    'org.opencontainers.image.version': versionOf(source, ref) ?? revision,
  };
}

/** The name by which people know the state of a source, if there is one. */
function versionOf(source: ImageRequest['source'], ref: string): string | undefined {
  if (source.kind === 'channel') return source.name;
  return ref === HEAD_REF ? undefined : ref;
}
