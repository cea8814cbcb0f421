// What may go wrong between a client and the service, on demand: for tests of what comes after.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from './exchange.ts';
import { StorageError } from './errors.ts';

/** A fault strikes the requests it is for. Where it has `times`, it is spent after so many, and leaves the list. */
export type Fault = {
  /** Which requests; without it all. `path` is the path as sent, without the query. */
  readonly when?: (request: Pick<Exchange, 'method' | 'path' | 'query' | 'headers'>) => boolean;
  times?: number;
} & (
  | { readonly effect: 'delay'; readonly milliseconds: number }
  /** Answers with an error instead, once so many bytes of the request's body were taken in. */
  | { readonly effect: 'answer'; readonly status: 429 | 500 | 502 | 503 | 504; readonly afterBytes?: number }
  /** Cuts the connection once so many bytes of the request's body were taken in. */
  | { readonly effect: 'cut'; readonly afterBytes?: number }
  /** Does what was asked and cuts the connection after so many bytes of the answer's body; at 0 nothing is answered. */
  | { readonly effect: 'cut answer'; readonly afterBytes: number }
);

/** Thrown in the place of an answer where the connection is gone. */
export class ConnectionCut extends Error {
  constructor() {
    super('the connection was cut');
    this.name = 'ConnectionCut';
  }
}

/** A request as the faults leave it, and after how many bytes its answer is to be cut. */
export interface Struck {
  readonly exchange: Exchange;
  readonly cutAnswerAfter?: number;
}

/** Lets all faults of the list that are for a request strike it. Spent ones are removed from the list. */
export async function strike(faults: Fault[], exchange: Exchange): Promise<Struck> {
  let struck: Struck = { exchange };
  for (const fault of faults.filter(each => each.when?.(exchange) ?? true)) {
    if (fault.times !== undefined && --fault.times <= 0) faults.splice(faults.indexOf(fault), 1);
    switch (fault.effect) {
      case 'delay':
        await sleep(fault.milliseconds);
        break;
      case 'cut answer':
        struck = { ...struck, cutAnswerAfter: fault.afterBytes };
        break;
      case 'answer':
      case 'cut': {
        const fail = () => {
          if (fault.effect === 'answer') {
            throw new StorageError(fault.status, 'backendError', 'A fault that a test asked for.');
          }
          exchange.cut();
          throw new ConnectionCut();
        };
        const { afterBytes } = fault;
        if (afterBytes === undefined) fail();
        else {
          const body = failAfter(struck.exchange.body, afterBytes, fail);
          struck = { ...struck, exchange: { ...struck.exchange, body } };
        }
        break;
      }
    }
  }
  return struck;
}

async function* failAfter(
  body: AsyncIterable<Buffer>,
  limit: number,
  fail: () => void,
): AsyncGenerator<Buffer, void, void> {
  let left = limit;
  for await (const chunk of body) {
    if (chunk.length > left) {
      if (left > 0) yield chunk.subarray(0, left);
      fail();
    }
    left -= chunk.length;
    yield chunk;
  }
}
