// At every moment of Firestore's history: what a document names is there.
import type { Commit, Plain } from '../commits.ts';
import { namedBy, type Named } from './manifest-blobs.ts';
import { inCommits, type Violation } from './violation.ts';

/** Replays all commits, and looks after each at what it touched. */
export function checkReferences(commits: readonly Commit[]): Violation[] {
  const violations: Violation[] = [];
  const current = new Map<string, string>();
  const manifests = new Map<string, Named>();
  const blobs = new Map<string, Plain>();

  for (const { writes, line } of commits) {
    for (const { collection, id, data } of writes) {
      if (collection === 'images') setOrDelete(current, id, digestOf(data));
      if (collection === 'manifests') setOrDelete(manifests, id, data && namedBy(data));
      if (collection === 'blobs') setOrDelete(blobs, id, data);
    }
    const found = (promise: string, what: string): void => {
      violations.push({ promise, what, at: inCommits(line) });
    };
    for (const { collection, id } of writes) {
      switch (collection) {
        case 'images': {
          const digest = current.get(id);
          if (digest !== undefined && !manifests.has(digest))
            found('every current image has its manifest', `image ${id} names ${digest}`);
          break;
        }
        case 'manifests':
          if (manifests.has(id)) {
            for (const what of missingOf(id)) found('no manifest names a blob that is missing', what);
          } else {
            for (const [image, digest] of current)
              if (digest === id) found('every current image has its manifest', `image ${image} names ${id}`);
            for (const [index, { children }] of manifests)
              if (children.includes(id)) found('an index keeps its children', `index ${index} names ${id}`);
          }
          break;
        case 'blobs':
          if (isThere(blobs.get(id))) break;
          for (const [manifest, { blobs: named }] of manifests) {
            if (named.some(({ digest }) => digest === id))
              found('no manifest names a blob that is missing', `manifest ${manifest} names ${id}`);
          }
          break;
      }
    }
  }
  return violations;

  function missingOf(id: string): string[] {
    const { blobs: named = [], children = [] } = manifests.get(id) ?? {};
    return [
      ...named.filter(({ digest }) => !isThere(blobs.get(digest))).map(({ digest }) => digest),
      ...children.filter(child => !manifests.has(child)),
    ].map(digest => `manifest ${id} names ${digest}`);
  }
}

/** A blob that is being deleted is there no more. */
function isThere(blob: Plain | undefined): boolean {
  return blob !== undefined && (blob['tombstone'] as { stage?: string } | undefined)?.stage !== 'final';
}

function digestOf(data: Plain | undefined): string | undefined {
  return (data?.['current'] as { digest?: string } | undefined)?.digest;
}

function setOrDelete<T>(map: Map<string, T>, id: string, value: T | undefined): void {
  if (value === undefined) map.delete(id);
  else map.set(id, value);
}
