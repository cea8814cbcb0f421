// Waiting for a world to come to rest after the last fault: what is under way ends, what is left over is collected.
import { setTimeout as pause } from 'node:timers/promises';
import type { Drive } from './drive.ts';
import { orphansOf } from './promises/orphans.ts';
import { readState, type State } from './state.ts';
import { AGES } from './settings.ts';
import type { World } from './world.ts';

/** The janitor's patience with builds that nobody waits for is five minutes. Milliseconds. */
const BUILDS_END_WITHIN_MS = 420_000;

/** How often a world that settles is looked at, and the janitor woken. Milliseconds. */
const LOOK_MS = 2_000;

/** Waits until no build is asked for any more; answers whether that came. */
export async function untilIdle(world: World, drive: Drive): Promise<boolean> {
  for (const until = Date.now() + BUILDS_END_WITHIN_MS; Date.now() < until;) {
    const { docs } = await world.own.firestore.collection('images').get();
    const states = docs.map(document => (document.data() as { build: { state: string } }).build.state);
    if (states.every(state => state === 'none' || state === 'failed')) return true;
    await drive.sweep();
    await pause(LOOK_MS);
  }
  return false;
}

/** Waits until nothing is left over; answers the last state that was seen. */
export async function untilCollected(world: World, drive: Drive): Promise<State> {
  const withinMs = 1000 * (2 * (AGES.grace + AGES.tombstone) + AGES.keep) + 60_000;
  for (const until = Date.now() + withinMs; ;) {
    const state = await readState(world, { hashed: false });
    if (orphansOf(state, AGES).length === 0 || Date.now() > until) return state;
    await drive.sweep();
    await pause(LOOK_MS);
  }
}
