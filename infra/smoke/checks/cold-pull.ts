// A pull of an image that is not there yet: by a client that gives up on silence, and at the same time by one that waits.
import { expect, type Checks } from '../check.ts';
import type { ImageToPull } from '../image.ts';
import { pullManifest, seconds, type Pulled } from '../pull.ts';
import type { Registry } from '../registry.ts';

/** Newer containerd gives up on an answer's headers after 30 s (containerd#13164); some of it is the way. Milliseconds. */
const IMPATIENT_LIMIT_MS = 28_000;

const ADVICE =
  'Look at the log of the function, and of the worker (docs/operate.md, "Troubleshooting"). Where this package source has no such packages, choose others by --image.';

export async function checkColdPull(
  checks: Checks,
  registry: Registry,
  image: ImageToPull,
  totalMs: number,
): Promise<Pulled | undefined> {
  const [impatient, patient] = await Promise.allSettled([
    pullManifest(registry, image, { client: 'impatient', totalMs }),
    pullManifest(registry, image, { client: 'patient', totalMs }),
  ]);
  const pulled = await checks.run('cold pull', ADVICE, async () => {
    const value = resultOf(impatient);
    return {
      says: `${image.name}:${image.tag} after ${seconds(value.tookMs)}${image.isNew ? '' : ', if it was not there'}`,
      value,
    };
  });
  if (pulled === undefined) return undefined;
  await checks.run('redirects while it waits', ADVICE, async () => ({
    says: `${pulled.redirects} in ${pulled.rounds === 1 ? 'one pull' : `${pulled.rounds} pulls`}, each to the same host and path`,
    value: undefined,
  }));
  await checks.run(
    'hold, impatient client',
    'Holds last too long for containerd from 2.3 on: settings = { DERIVERY_HOLD_SECONDS = "20" }.',
    async () => {
      const longest = Math.max(...pulled.holdsMs);
      expect(
        longest < IMPATIENT_LIMIT_MS,
        `a request waited ${seconds(longest)}; containerd gives up after 30 s`,
      );
      return { says: holds(pulled), value: undefined };
    },
  );
  await checks.run('hold, patient client', ADVICE, async () => {
    const waited = resultOf(patient);
    expect(waited.digest === pulled.digest, `it got ${waited.digest}, the other client ${pulled.digest}`);
    return { says: holds(waited), value: undefined };
  });
  return pulled;
}

function resultOf(settled: PromiseSettledResult<Pulled>): Pulled {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

function holds({ holdsMs, redirects }: Pulled): string {
  const longest = seconds(Math.max(...holdsMs));
  return redirects === 0
    ? `ready after ${longest}: no hold was used up (a longer build by --image tells more)`
    : `${redirects} used up, the longest request ${longest}, none cut`;
}
