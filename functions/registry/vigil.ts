// Watching one image's document for all who wait for it, and waking the workers while nobody has claimed it.
import type { ImageDocument } from '#core/image-document.ts';
import { isClaimable, needsHint, UNCLAIMED_MS } from '#core/image-life.ts';
import type { RequestKey } from '#core/image-request.ts';
import type { PullDecision } from '#core/pull-decision.ts';
import type { Hints } from '#core/google/hints.ts';
import type { SeenImage } from '#core/google/image-collection.ts';
import type { Images } from '#core/google/images.ts';
import type { Log } from '#core/google/log.ts';
import { sleepersOf } from '../sleepers.ts';
import type { WorkerMachine } from '../worker-machine/worker-machine.ts';

/** How often a waiting instance looks whether the build was left alone. Milliseconds. */
const LOOK_MS = 1_000;

export type WaitOutcome = Exclude<PullDecision, { kind: 'unasked' }>;

/** What a state of the document comes to. */
export interface Judgement {
  /** By the image alone, beside its source as it was when the wait began. */
  readonly ofImage: (seen: SeenImage) => PullDecision;
  /** By both documents as they are now. */
  readonly ofBoth: () => Promise<PullDecision>;
}

export interface VigilParts {
  readonly images: Images;
  readonly hints: Hints;
  /** Woken as long as nobody has the build: it may be stopping just now, and is started only when it has. */
  readonly machine: WorkerMachine;
  readonly log: Log;
}

export interface Vigil {
  /** Resolves with the outcome, or with undefined once `until` is aborted. */
  settled(until: AbortSignal): Promise<WaitOutcome | undefined>;
}

/** Starts to watch. `onEnd` is called when the last waiter has left and nothing is watched any more. */
export function startVigil(
  { images, hints, machine, log }: VigilParts,
  key: RequestKey,
  judge: Judgement,
  onEnd: () => void,
): Vigil {
  const waiters = new Set<(outcome: WaitOutcome | undefined) => void>();
  let latest: { readonly seen: SeenImage; readonly at: number } | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let ended = false;

  /** Server time now: what the server said last, and the time since by our monotonic clock. */
  const serverNow = (): number =>
    latest === undefined ? 0 : latest.seen.readTime + (performance.now() - latest.at);

  function lookAgain(): void {
    const document = latest?.seen.document;
    wakeMachineFor(document);
    if (document === undefined || !needsHint(document.build, serverNow())) return;
    if (performance.now() - lookedAt < UNCLAIMED_MS) return;
    lookedAt = performance.now();
    wakeWorkers(document).catch((error: unknown) => {
      log.warn({ error, image: key }, 'the hint was not sent again');
    });
  }

  /** Of an index that waits, it is its images that nobody may have: those are looked at more seldom. */
  function wakeMachineFor(document: ImageDocument | undefined): void {
    if (document === undefined || document.build.state === 'waiting') return;
    if (isClaimable(document.build, serverNow())) void machine.wake();
  }

  async function wakeWorkers(document: ImageDocument): Promise<void> {
    const sleepers = await sleepersOf(images, key, document, serverNow());
    if (sleepers.length > 0) void machine.wake();
    await Promise.all(sleepers.map(sleeper => hints.send({ look: 'image', key: sleeper.key }, 'pull')));
  }

  function onChange(seen: SeenImage): void {
    latest = { seen, at: performance.now() };
    wakeMachineFor(seen.document);
    const decision = judge.ofImage(seen);
    // Who made it looked at the source meanwhile: what is no answer beside the older look may be one beside the newer.
    if (decision.kind === 'unasked') judge.ofBoth().then(settle, onError);
    else settle(decision);
  }

  function settle(decision: PullDecision): void {
    if (decision.kind === 'ready' || decision.kind === 'failed') for (const leave of waiters) leave(decision);
  }

  function onError(error: unknown): void {
    // Those who wait read the documents themselves at the end of their hold.
    log.warn({ error, image: key }, 'listening to the image failed');
    end();
  }

  const unsubscribe = images.watch(key, onChange, onError);
  const looking = setInterval(lookAgain, LOOK_MS);

  function end(): void {
    if (ended) return;
    ended = true;
    unsubscribe();
    clearInterval(looking);
    onEnd();
  }

  return {
    settled(until) {
      return new Promise(resolve => {
        const leave = (outcome: WaitOutcome | undefined): void => {
          if (!waiters.delete(leave)) return;
          until.removeEventListener('abort', giveUp);
          if (waiters.size === 0) end();
          resolve(outcome);
        };
        const giveUp = (): void => leave(undefined);
        waiters.add(leave);
        if (until.aborted) giveUp();
        else until.addEventListener('abort', giveUp);
      });
    },
  };
}
