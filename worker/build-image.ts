// One build, from claim to outcome: the lease around the work, and what becomes of each way it can end.
import { randomUUID } from 'node:crypto';
import { PermanentError, TransientError } from '#core/errors.ts';
import type { Phase } from '#core/image-document.ts';
import type { ImageRequest, RequestKey } from '#core/image-request.ts';
import { LeaseLostError, type Images, type Published } from '#core/google/images.ts';
import type { Log } from '#core/google/log.ts';
import type { HandledAs } from './intake.ts';
import { keepLease } from './lease-keeper.ts';
import { startStopwatch } from './stopwatch.ts';

/** Makes an image: everything but its publication. Reports phases; stops when `signal` is aborted. */
export type MakeImage = (
  request: ImageRequest,
  report: (phase: Phase) => void,
  signal: AbortSignal,
) => Promise<Published>;

export interface BuildParts {
  readonly images: Images;
  readonly makeImage: MakeImage;
  readonly leaseSeconds: number;
  readonly log: Log;
  /** Aborted when the worker is to stop: what is under way goes back to the queue. */
  readonly stopping: AbortSignal;
}

/** Claims the build that a hint names, and brings it to an end. Every outcome is in the document; throws only where it could not be claimed. */
export async function buildImage(parts: BuildParts, key: RequestKey): Promise<HandledAs> {
  const { images, leaseSeconds, stopping } = parts;
  if (stopping.aborted) return 'again';
  const token = randomUUID();
  const log = parts.log.child({ image: key, build: token });

  const claim = await images.claim(key, token, leaseSeconds);
  if (claim.kind === 'nothing-to-do') return 'done';
  const { request } = claim.document;
  log.info({ packages: request.packages, platform: request.platform }, 'build started');

  const lease = keepLease(images, key, token, leaseSeconds);
  const stopwatch = startStopwatch();
  const report = (phase: Phase): void => {
    stopwatch.enter(phase.name);
    lease.report(phase);
  };
  try {
    const published = await parts.makeImage(request, report, AbortSignal.any([lease.lost, stopping]));
    await lease.stop();
    await images.publish(key, token, published);
    log.info({ digest: published.manifest.digest, ...stopwatch.stop() }, 'build published');
    return 'done';
  } catch (error) {
    await lease.stop();
    return settle(parts, log, key, token, lease.lost.aborted ? new LeaseLostError() : error);
  }
}

/** Writes down how a build ended that brought no image. */
async function settle(
  { images, stopping }: BuildParts,
  log: Log,
  key: RequestKey,
  token: string,
  error: unknown,
): Promise<HandledAs> {
  try {
    if (error instanceof LeaseLostError) throw error;
    if (error instanceof PermanentError) {
      log.info({ kind: error.failure.kind, reason: error.failure.message }, 'build failed');
      await images.fail(key, token, error);
      return 'done';
    }
    if (stopping.aborted) {
      log.info('build given back: this worker stops');
      await images.release(key, token, undefined);
      return 'again';
    }
    // What nobody foresaw is tried again too, as often as any transient error; then it is a failure with its text.
    log.warn({ error }, 'build interrupted; it will be tried again');
    const told = `something went wrong in the worker; its log has it as build ${token}`;
    await images.release(key, token, error instanceof TransientError ? error : new TransientError(told));
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
