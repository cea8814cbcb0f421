// New builds in an hour: counted in Firestore, by all instances together.
import { LRUCache } from 'lru-cache';
import pLimit, { type LimitFunction } from 'p-limit';
import { RegistryError, TransientError } from '#core/errors.ts';
import type { Pay } from '#core/google/image-asking.ts';
import type { Quotas } from '#core/google/quotas.ts';
import type { Account } from './account.ts';
import { overLimit } from './over-limit.ts';

/** Callers of whom an instance remembers that they have nothing left. */
const CALLERS = 10_000;

const ADVICE = 'what is built already can be pulled at any time';

export interface NewBuilds {
  /**
   * Has `queue` begin a build at the cost of an account; `pay` is undefined where builds cost it nothing. Throws a 429 where
   * nothing is left of its hour, a 403 where it never gets any, and a TransientError where its turn does not come.
   */
  readonly begin: (account: Account, queue: (pay: Pay | undefined) => Promise<unknown>) => Promise<void>;
}

/** `patienceMs`: how long a build may wait until those of the same caller before it are begun. */
export function createNewBuilds(quotas: Quotas, patienceMs: number): NewBuilds {
  /** When there will be room, by this process's clock. Nobody can make that earlier, so Firestore need not be asked again. */
  const exhausted = new LRUCache<string, number>({ max: CALLERS });
  /** One at a time for each caller: they would only keep each other from writing the same document. */
  const lines = new Map<string, LimitFunction>();

  function refuseExhausted(account: Account): void {
    const roomIn = (exhausted.get(account.id) ?? 0) - performance.now();
    if (roomIn > 0) throw refusal(account, roomIn);
  }

  function payerOf(account: Account): Pay {
    return async write => {
      const payment = await quotas.pay(account.id, account.limits.newBuildsPerHour, write);
      if (payment.kind !== 'exhausted') return payment.kind === 'paid';
      exhausted.set(account.id, performance.now() + payment.roomAt - payment.now);
      throw refusal(account, payment.roomAt - payment.now);
    };
  }

  async function inLine<T>(id: string, work: () => Promise<T>): Promise<T> {
    const line = lines.get(id) ?? pLimit(1);
    lines.set(id, line);
    try {
      return await line(work);
    } finally {
      if (line.activeCount + line.pendingCount === 0) lines.delete(id);
    }
  }

  return {
    async begin(account, queue) {
      const { id, limits } = account;
      if (limits.newBuildsPerHour === Infinity) {
        await queue(undefined);
        return;
      }
      if (limits.newBuildsPerHour === 0) throw noBuilds(account);
      const since = performance.now();
      await inLine(id, async () => {
        refuseExhausted(account);
        if (performance.now() - since > patienceMs) throw new TransientError('a build was not begun in time');
        await queue(payerOf(account));
      });
    },
  };
}

function refusal(account: Account, roomInMs: number): RegistryError {
  return overLimit(account, 'new builds an hour', account.limits.newBuildsPerHour, roomInMs, ADVICE);
}

/** DENIED has docker's people think of logging in. */
function noBuilds({ holder }: Account): RegistryError {
  const who = holder.kind === 'user' ? holder.name : 'whoever has not logged in';
  return new RegistryError(
    403,
    'DENIED',
    `this image is not built yet, and ${who} may not have it built; ${ADVICE}`,
  );
}
