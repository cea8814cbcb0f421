// Firestore's time: microseconds since 1970, never the same twice, never backwards.
import type { Timestamp } from './wire.ts';

/** Microseconds since 1970-01-01T00:00:00Z; exact in a double until the year 2255. */
export type Micros = number;

/**
 * Gives every commit and every read a time of its own. It follows the wall clock, and where that stands still
 * (within a millisecond) or steps back it goes on by single microseconds.
 */
export class Clock {
  #last: Micros;
  readonly #wallClock: () => number;

  /** `last`: the newest time that an earlier process gave out. `wallClock`: in milliseconds since 1970. */
  constructor(last: Micros = 0, wallClock: () => number = Date.now) {
    this.#last = last;
    this.#wallClock = wallClock;
  }

  tick(): Micros {
    this.#last = Math.max(this.#last + 1, this.#wallClock() * 1000);
    return this.#last;
  }
}

export function toTimestamp(time: Micros): Timestamp {
  const seconds = Math.floor(time / 1_000_000);
  return { seconds: String(seconds), nanos: (time - seconds * 1_000_000) * 1000 };
}

/** Firestore keeps microseconds and rounds down. */
export function fromTimestamp({ seconds = 0, nanos = 0 }: Timestamp): Micros {
  return Number(seconds) * 1_000_000 + Math.floor(nanos / 1000);
}
