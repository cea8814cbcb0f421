// Nothing is left over for longer than the grace: of documents and objects each has what it is there for.
import type { State } from '../state.ts';
import { namedBy } from './manifest-blobs.ts';
import type { Violation } from './violation.ts';

const PREFIX = 'blobs/sha256/';

/** Ages in seconds. */
export interface Ages {
  readonly grace: number;
  readonly tombstone: number;
}

/** What should have been collected by the time of the state. */
export function orphansOf(state: State, { grace, tombstone }: Ages): Violation[] {
  const promise = 'nothing is orphaned beyond the grace';
  const oldest = state.at - 1000 * (grace + tombstone);
  const named = new Set<string>();
  for (const manifest of state.manifests.values())
    for (const { digest } of namedBy(manifest).blobs) named.add(digest);
  const what: string[] = [];
  const objects = new Set<string>();
  for (const { name, createdAt } of state.objects) {
    if (!name.startsWith(PREFIX)) continue;
    const digest = `sha256:${name.slice(PREFIX.length)}`;
    objects.add(digest);
    if (!state.blobs.has(digest) && createdAt < oldest) what.push(`object ${name} has no document`);
  }
  for (const [digest, blob] of state.blobs) {
    if (!objects.has(digest)) what.push(`blob ${digest} has no object`);
    if (!named.has(digest) && Number(blob['lastReference']) < oldest)
      what.push(`blob ${digest} is in no manifest`);
  }
  for (const [key, layer] of state.layers) {
    if (!state.blobs.has(String(layer['digest']))) what.push(`layer ${key} has no blob`);
  }
  return what.map(each => ({ promise, what: each }));
}
