// Which requests begin a pull, and which go on with one that was counted already.
import { LRUCache } from 'lru-cache';
import type { Hop } from '../hop.ts';

/** Hops that an instance remembers, in some hundred bytes each: each of them was given to a pull that waited for it. */
const HOPS = 20_000;

export type IsFirstRequest = (hop: Hop) => boolean;

/**
 * Answers, of each request once, whether it begins a pull. One that was sent on does not: the signature says that it waited before,
 * for this very image. But it is sent on to one request only. Who comes with the same hop again could come for a day, so that is
 * a pull like any other; where a client tries a request again that went wrong, it costs no more than that.
 */
export function watchFirstRequests(): IsFirstRequest {
  const seen = new LRUCache<string, true>({ max: HOPS });
  return ({ number, pull }) => {
    if (pull === undefined) return true;
    const hop = `${pull}.${number}`;
    if (seen.has(hop)) return true;
    seen.set(hop, true);
    return false;
  };
}
