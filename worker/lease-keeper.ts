// Keeping a claim on a build alive, and telling its document how far the work is.
import type { Phase } from '#core/image-document.ts';
import type { RequestKey } from '#core/image-request.ts';
import { LeaseLostError } from '#core/google/image-holding.ts';
import type { Images } from '#core/google/images.ts';

/** A document takes about one write a second for long (Firestore's limits): progress is not told more often. */
const PROGRESS_MS = 1_000;

export interface LeaseKeeper {
  readonly token: string;
  /** Aborted with a {@link LeaseLostError} when the build is another worker's, or nobody could be told that we live. */
  readonly lost: AbortSignal;
  /** What goes on now: written soon, the latest one wins. */
  report(phase: Phase): void;
  /** Ends the renewals, and waits for the one under way: then the last write of the build is the only one. */
  stop(): Promise<void>;
  /** Goes on with the renewals: it was not the last write. */
  resume(): void;
}

/** Renews the lease three times within its duration, until it is stopped or lost. */
export function keepLease(
  images: Images,
  key: RequestKey,
  token: string,
  durationSeconds: number,
): LeaseKeeper {
  const lost = new AbortController();
  let phase: Phase = { name: 'resolving' };
  let writtenPhase: Phase = phase;
  let renewedAt = performance.now();
  let writing: Promise<void> = Promise.resolve();
  let busy = false;

  async function renew(): Promise<void> {
    const sentAt = performance.now();
    const sentPhase = phase;
    try {
      await images.renew(key, token, sentPhase);
      renewedAt = sentAt;
      writtenPhase = sentPhase;
    } catch (error) {
      // Any other trouble may pass while the lease lasts: it is tried again.
      if (error instanceof LeaseLostError) lose();
    } finally {
      busy = false;
    }
  }

  function lose(): void {
    clearInterval(timer);
    lost.abort(new LeaseLostError());
  }

  function tick(): void {
    // Whoever could not be told in time takes us for gone, be it that no answer came at all.
    if (performance.now() - renewedAt > durationSeconds * 1000) {
      lose();
      return;
    }
    const due = performance.now() - renewedAt > (durationSeconds * 1000) / 3;
    if (busy || (!due && phase === writtenPhase)) return;
    busy = true;
    writing = renew();
  }

  const start = (): NodeJS.Timeout => setInterval(tick, Math.min(PROGRESS_MS, (durationSeconds * 1000) / 6));
  let timer = start();

  return {
    token,
    lost: lost.signal,
    report(next) {
      phase = next;
    },
    async stop() {
      clearInterval(timer);
      if (!lost.signal.aborted) await writing;
    },
    resume() {
      clearInterval(timer);
      if (!lost.signal.aborted) timer = start();
    },
  };
}
