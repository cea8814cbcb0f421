// Which realisations run at the same time: those that would build nothing in common.
import { once } from 'node:events';
import pLimit from 'p-limit';
import type { Nix } from './nix.ts';
import { runNix } from './run-nix.ts';

export interface Turn extends Disposable {
  /** Resolves when the realisation is over. */
  readonly over: Promise<void>;
}

interface Taken extends Turn {
  readonly nix: Nix;
  readonly wanted: readonly string[];
}

/** The turns that are taken, of all stores: on two of them the same name is a wait too many, and harmless. */
const taken = new Set<Taken>();

/** One decision at a time: two that are made at once would both find the place free. */
const decisions = pLimit(1);

/**
 * The turn to realise `wanted` (`<drv>!<output>`), to be disposed of when that is over; or another's, which has to be over
 * first. Asks Nix only where others are at it.
 *
 * Several Nix processes that are to build the same derivations each keep the lock of what another has built, and wait for
 * each other for ever (seen with Nix 2.8 and three of them). Nix locks a derivation's outputs only to build it, and nobody but a
 * process that would build it too waits for that; what is fetched is locked while it is written, by one who waits for
 * nothing meanwhile. So those may run together whose derivations still to be built are all different. These are reckoned
 * without substituters: nothing that Nix learns on its way, as of a path that cannot be fetched after all, adds to them.
 */
export function takeTurn(
  nix: Nix,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly own: Turn } | { readonly rival: Turn }> {
  return decisions(async () => {
    const rival = taken.size === 0 ? undefined : await findRival(nix, wanted, signal);
    return rival === undefined ? { own: take(nix, wanted) } : { rival };
  });
}

/** Waits until a turn is over. Throws the signal's reason when it is aborted. */
export async function untilOver({ over }: Turn, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const waited = new AbortController();
  try {
    await Promise.race([over, once(signal, 'abort', { signal: waited.signal })]);
  } finally {
    waited.abort();
  }
  signal.throwIfAborted();
}

function take(nix: Nix, wanted: readonly string[]): Turn {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const turn: Taken = {
    nix,
    wanted,
    over,
    [Symbol.dispose]() {
      taken.delete(turn);
      resolve();
    },
  };
  taken.add(turn);
  return turn;
}

async function findRival(
  nix: Nix,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<Turn | undefined> {
  const own = await derivationsToBuild(nix, wanted, signal);
  if (own?.size === 0) return undefined;
  for (const other of taken) {
    const others = await derivationsToBuild(other.nix, other.wanted, signal);
    // What Nix cannot tell of, it will say something about when it is realised; until then it is taken for anything.
    if (own === undefined || others === undefined || !own.isDisjointFrom(others)) return other;
  }
  return undefined;
}

/** What would be built now if nothing could be fetched; undefined where Nix cannot tell. */
async function derivationsToBuild(
  nix: Nix,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  const derivations = new Set<string>();
  const onLine = (line: string): void => {
    const derivation = /^\s+(?<drv>\/\S+\.drv)$/.exec(line)?.groups?.['drv'];
    if (derivation !== undefined) derivations.add(derivation);
  };
  const args = ['--realise', '--dry-run', '--option', 'substitute', 'false', ...wanted];
  const { succeeded } = await runNix(nix, 'nix-store', args, { signal, onLine });
  return succeeded ? derivations : undefined;
}
