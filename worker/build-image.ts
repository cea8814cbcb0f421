// One build, from claim to outcome: the lease around the work, and what becomes of each way it can end.
import { randomUUID } from 'node:crypto';
import { PermanentError, TransientError } from '#core/errors.ts';
import type { Digest } from '#core/digest.ts';
import type { Failure } from '#core/failure.ts';
import type { Phase } from '#core/image-document.ts';
import type { ClaimedImage } from '#core/image-life.ts';
import type { ImageRequest, RequestKey } from '#core/image-request.ts';
import type { SettingsDigest } from '#core/image-settings.ts';
import { imageKeys } from '#core/index-life.ts';
import type { Hints } from '#core/google/hints.ts';
import { newBuildLog, type BuildLog } from '#core/google/build-logs.ts';
import { LeaseLostError, type Publication } from '#core/google/image-holding.ts';
import type { Images } from '#core/google/images.ts';
import type { Log } from '#core/google/log.ts';
import type { Manifest } from '#core/google/manifests.ts';
import { isDiskFull } from './disk-full.ts';
import type { HandledAs } from './intake.ts';
import { keepLease } from './lease-keeper.ts';
import type { MakeIndex } from './make-index.ts';
import type { Mend } from './mend.ts';
import { publishWhole } from './publish-whole.ts';
import type { Revisions } from './revisions.ts';
import type { FoundRevision } from './source/found-revision.ts';
import { startStopwatch } from './stopwatch.ts';
import { startWorkLimit } from './work-limit.ts';

/** Makes an image at a revision, all but its publication. Reports phases; stops when `signal` is aborted. */
export type MakeImage = (
  request: ImageRequest,
  revision: FoundRevision,
  report: (phase: Phase) => void,
  signal: AbortSignal,
) => Promise<Manifest>;

export interface BuildParts {
  readonly images: Images;
  readonly hints: Hints;
  readonly revisions: Revisions;
  readonly makeImage: MakeImage;
  readonly makeIndex: MakeIndex;
  readonly mend: Mend;
  readonly settings: SettingsDigest;
  /** Whether it is time to tell that this image is made under other settings: its hint comes again and again. */
  readonly isNewDecline: (key: RequestKey) => boolean;
  readonly leaseSeconds: number;
  /** The longest that one build may take, without its waits for others. */
  readonly limitSeconds: number;
  readonly log: Log;
  /** Makes room on the disk, where it was full or nearly is. */
  readonly makeRoom: (error: unknown) => Promise<void>;
  /** Aborted when the worker is to stop: what is under way goes back to the queue. */
  readonly stopping: AbortSignal;
}

/**
 * Claims the build that a hint names, and brings it to an end: every outcome is in the document. Throws only where the
 * claim itself cannot be written.
 */
export async function buildImage(parts: BuildParts, key: RequestKey): Promise<HandledAs> {
  const { images, settings, leaseSeconds, stopping } = parts;
  if (stopping.aborted) return 'again';
  const token = randomUUID();
  const log = parts.log.child({ image: key, build: token });

  const claim = await images.claim(key, { token, settings, durationSeconds: leaseSeconds });
  switch (claim.kind) {
    case 'nothing-to-do':
      log.info('hint dropped: there is no such build, or it is done, or another worker has it');
      return 'done';
    case 'declined':
      if (parts.isNewDecline(key)) {
        log.warn(
          { wanted: claim.wanted, own: settings },
          'build declined: it is to be made under other settings than this worker has',
        );
      }
      return 'declined';
    case 'given-up':
      log.warn('build given up: its tries are spent');
      await lookAt(parts, log, claim.waiting);
      return 'done';
    case 'claimed': {
      const handled = await make(parts, log, key, token, claim.document);
      return handled === 'look-again' ? buildImage(parts, key) : handled;
    }
  }
}

/**
 * Looks at indexes whose image was just made, or cannot be: the last of their images completes them. What is not done here
 * is done after a hint, of whoever waits or of the janitor.
 */
async function lookAt(parts: BuildParts, log: Log, indexes: readonly RequestKey[]): Promise<void> {
  for (const key of indexes) {
    try {
      if ((await buildImage(parts, key)) !== 'done') await parts.hints.send({ look: 'image', key }, 'pull');
    } catch (error) {
      log.warn({ error, index: key }, 'an index was not looked at; it will be');
    }
  }
}

/** Makes a claimed image, or finds that it is made already, or, of an index, that its images are to be made first. */
async function make(
  parts: BuildParts,
  log: Log,
  key: RequestKey,
  token: string,
  document: ClaimedImage,
): Promise<HandledAs | 'look-again'> {
  const { images, revisions, makeImage, makeIndex, mend, leaseSeconds, limitSeconds, stopping } = parts;
  const { request, current, build } = document;
  log.info({ packages: request.packages, platforms: request.platforms }, 'build started');
  const lease = keepLease(images, key, token, leaseSeconds);
  const stopwatch = startStopwatch();
  using limit = startWorkLimit(limitSeconds, tookTooLong(limitSeconds));
  const report = (phase: Phase): void => {
    // What it waits for is another build's work.
    if (phase.name === 'waiting') limit.pause();
    else limit.resume();
    stopwatch.enter(phase.name);
    lease.report(phase);
  };
  const signal = AbortSignal.any([lease.lost, stopping, limit.signal]);
  let revision: string | undefined;
  try {
    report({ name: 'resolving' });
    const seen = await revisions.forImage(request, build.lease.renewedAt, signal);
    ({ revision } = seen);
    if (current?.revision === revision) {
      const { digest } = current;
      await lease.stop();
      const waiting = await images.keep(key, token, digest);
      if (waiting !== undefined) {
        log.info({ digest, revision }, 'nothing to build: the image is up to date');
        await lookAt(parts, log, waiting);
        return 'done';
      }
      lease.resume();
      log.warn({ digest, revision }, 'the image is up to date, but not stored any more: it is made again');
    }
    const isIndex = request.platforms.length > 1;
    const made = isIndex
      ? await makeIndex(key, document, revision)
      : ({ kind: 'made', manifest: await makeImage(request, seen, report, signal) } as const);
    if (made.kind === 'incomplete') {
      await lease.stop();
      const waits = await images.park(key, token, made.awaited, made.asked);
      log.info({ asked: made.asked }, 'an index waits for its images');
      return waits ? 'done' : 'look-again';
    }
    const publish = async (manifest: Manifest): Promise<Publication> => {
      await lease.stop();
      const { checkedAt } = seen;
      const publication = await images.publish(key, token, { manifest, revision: seen.revision, checkedAt });
      if (publication.kind === 'refused') {
        lease.resume();
        await loseChildren(parts, document, publication.children);
      }
      return publication;
    };
    const remake = (): Promise<Manifest> => makeImage(request, seen, report, signal);
    const { digest, waiting } = await publishWhole({ publish, mend, remake, log, signal }, made.manifest);
    log.info({ digest, ...stopwatch.stop() }, 'build published');
    await lookAt(parts, log, waiting);
    return 'done';
  } catch (error) {
    // Still its own: the next try begins when there is room.
    if (!(error instanceof PermanentError) && !lease.lost.aborted && !stopping.aborted)
      await parts.makeRoom(error);
    await lease.stop();
    const cause = lease.lost.aborted
      ? lease.lost.reason
      : endedBy(limit.signal, signal) && !(error instanceof PermanentError)
        ? limit.signal.reason
        : error;
    return await settle(parts, log, key, token, cause, revision);
  }
}

/** Images of an index whose manifests are not stored any more: asked for again, they have to be made. */
async function loseChildren(
  { images }: BuildParts,
  index: ClaimedImage,
  gone: readonly Digest[],
): Promise<void> {
  if (gone.length === 0) return;
  await Promise.all(imageKeys(index).flatMap(key => gone.map(digest => images.loseIfMissing(key, digest))));
}

/** Whether it was the limit that ended the work: what is stopped may go on beyond it for the moment that it takes to end. */
function endedBy(limit: AbortSignal, signal: AbortSignal): boolean {
  return limit.aborted && signal.reason === limit.reason;
}

function tookTooLong(limitSeconds: number): PermanentError {
  const message = `the build took longer than the ${limitSeconds} s that one may take here`;
  return new PermanentError({ kind: 'build_failed', message });
}

/** Writes down how a build ended that brought no image. */
async function settle(
  parts: BuildParts,
  log: Log,
  key: RequestKey,
  token: string,
  error: unknown,
  revision: string | undefined,
): Promise<HandledAs> {
  const { images, stopping } = parts;
  try {
    if (error instanceof LeaseLostError) throw error;
    if (error instanceof PermanentError) {
      log.info({ kind: error.failure.kind, reason: error.failure.message }, 'build failed');
      const buildLog = logOf(error.failure);
      const failure = { ...error.failure, ...(buildLog !== undefined && { logId: buildLog.id }) };
      await lookAt(parts, log, await images.fail(key, token, failure, revision, buildLog));
      return 'done';
    }
    if (stopping.aborted) {
      log.info('build given back: this worker stops');
      await images.release(key, token, undefined);
      return 'again';
    }
    // What nobody foresaw is tried again too, as often as any transient error; then it is a failure with its text.
    log.warn({ error }, 'build interrupted; it will be tried again');
    const told = isDiskFull(error)
      ? "the worker's disk is full"
      : `something went wrong in the worker; its log has it as build ${token}`;
    await images.release(key, token, error instanceof TransientError ? error.message : told);
    return 'again';
  } catch (problem) {
    if (problem instanceof LeaseLostError) {
      log.warn('the lease was lost: another worker has this build, and nothing of this one is written');
      return 'done';
    }
    // Without a write the lease runs out by itself, and whoever waits sends the hint again.
    log.error({ error: problem }, 'the outcome could not be written');
    return 'again';
  }
}

/** The log that a failure brings; that of an index is its image's, and lies where it can be read already. */
function logOf({ log, logId }: Failure): BuildLog | undefined {
  return log === undefined || logId !== undefined ? undefined : newBuildLog(log);
}
