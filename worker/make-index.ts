// The making of an index out of the images of its platforms: those that are there are brought together, and others are
// asked for as any pull would. They are built in parallel, by this worker and others, and the last to end comes back here.
import { PermanentError, TransientError } from '#core/errors.ts';
import type { Failure } from '#core/failure.ts';
import type { ClaimedImage } from '#core/image-life.ts';
import { requestKey, requestsByPlatform, type RequestKey } from '#core/image-request.ts';
import type { ImageSettings } from '#core/image-settings.ts';
import type { Standing } from '#core/index-life.ts';
import { MEDIA_TYPES, writeIndex } from '#core/oci.ts';
import type { Platform } from '#core/platform.ts';
import type { Hints } from '#core/google/hints.ts';
import type { Images } from '#core/google/images.ts';
import type { Log } from '#core/google/log.ts';
import type { Manifest, Manifests } from '#core/google/manifests.ts';
import { labelsOf } from './image/labels.ts';

export interface IndexMakerParts {
  readonly images: Images;
  readonly manifests: Manifests;
  readonly hints: Hints;
  /** Whether an index goes without the platforms whose image cannot be. */
  readonly indexes: ImageSettings['indexes'];
  readonly log: Log;
}

export type MadeIndex =
  | { readonly kind: 'made'; readonly manifest: Manifest }
  /** Images are still to be made, and awaited. `asked` says which had to be asked for, if any. */
  | {
      readonly kind: 'incomplete';
      readonly awaited: readonly RequestKey[];
      readonly asked: string | undefined;
    };

/** Looks at the images of a claimed index. Throws a {@link PermanentError} where it cannot be. */
export type MakeIndex = (key: RequestKey, index: ClaimedImage, revision: string) => Promise<MadeIndex>;

type Kind = Standing['kind'];
type Part<K extends Kind = Kind> = { readonly key: RequestKey; readonly platform: Platform } & Extract<
  Standing,
  { kind: K }
>;

export function createIndexMaker({ images, manifests, hints, indexes, log }: IndexMakerParts): MakeIndex {
  async function ask(
    index: RequestKey,
    { request, settings, build: { by } }: ClaimedImage,
    revision: string,
  ): Promise<Part[]> {
    return Promise.all(
      requestsByPlatform(request).map(async image => {
        const key = requestKey(image, settings);
        const asking = { request: image, settings, by, index, revision };
        const standing = await images.askForIndex(key, asking);
        if (standing.kind === 'under-way' && standing.hint) {
          // A hint that is lost is sent again by whoever waits, or by the janitor.
          await hints.send({ look: 'image', key }, by).catch((error: unknown) => {
            log.warn(
              { error, image: key },
              'the hint for an image of an index was not sent; it will be again',
            );
          });
        }
        return { key, platform: image.platforms[0], ...standing };
      }),
    );
  }

  return async (key, claimed, revision) => {
    const parts = await ask(key, claimed, revision);
    const failed = only(parts, 'failed');
    const underWay = only(parts, 'under-way');
    const ready = only(parts, 'ready');
    const isHopeless = indexes === 'whole' ? failed.length > 0 : failed.length === parts.length;
    if (isHopeless) throw new PermanentError(failureOf(failed));
    if (underWay.length > 0) {
      const awaited = underWay.map(part => part.key);
      return { kind: 'incomplete', awaited, asked: describeAsked(underWay, revision) };
    }

    const listed = await Promise.all(
      ready.map(async ({ key: image, platform, digest }) => {
        const manifest = await manifests.read(digest);
        if (manifest === undefined) {
          // Asked for again, it has to be made.
          await images.loseIfMissing(image, digest);
          throw new TransientError(`the manifest of ${platform} is gone: its image is made again`);
        }
        return { platform, digest, size: manifest.bytes.length };
      }),
    );
    const index = writeIndex(listed, labelsOf(claimed.request, revision));
    const children = listed.map(({ digest }) => digest);
    return { kind: 'made', manifest: { ...index, mediaType: MEDIA_TYPES.index, children } };
  };
}

function only<K extends Kind>(parts: readonly Part[], kind: K): Part<K>[] {
  return parts.filter((part): part is Part<K> => part.kind === kind);
}

function describeAsked(underWay: readonly Part<'under-way'>[], revision: string): string | undefined {
  const queued = underWay.filter(part => part.queued).map(({ platform }) => platform);
  return queued.length === 0 ? undefined : `there was no image for ${queued.join(', ')} at ${revision}`;
}

/** Why there is no index: the reasons of its images, each with its platforms, and the first log that there is. */
function failureOf(failed: readonly Part<'failed'>[]): Failure {
  const platforms = Map.groupBy(failed, ({ failure }) => failure.message);
  const messages = [...platforms].map(
    ([message, parts]) => `${parts.map(({ platform }) => platform).join(', ')}: ${message}`,
  );
  const [first] = failed;
  if (first === undefined) throw new Error('an index without failures has not failed');
  const { log, logId } = failed.find(({ failure }) => failure.log !== undefined)?.failure ?? {};
  return { kind: first.failure.kind, message: messages.join('; '), log, logId };
}
