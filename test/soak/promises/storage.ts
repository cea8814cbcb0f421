// At the end: every manifest has all its blobs, and these are what their names say.
import type { State } from '../state.ts';
import { namedBy } from './manifest-blobs.ts';
import type { Violation } from './violation.ts';

const PREFIX = 'blobs/sha256/';

export function checkStorage({ images, manifests, blobs, objects }: State): Violation[] {
  const violations: Violation[] = [];
  const found = (promise: string, what: string): void => void violations.push({ promise, what });
  const byDigest = new Map(
    objects
      .filter(({ name }) => name.startsWith(PREFIX))
      .map(object => [`sha256:${object.name.slice(PREFIX.length)}`, object]),
  );

  for (const [digest, manifest] of manifests) {
    const { blobs: named, children } = namedBy(manifest);
    for (const blob of named) {
      const object = byDigest.get(blob.digest);
      const of = `manifest ${digest} names ${blob.digest}`;
      if (!blobs.has(blob.digest)) found('every manifest has its blobs', `${of}: no document`);
      if (object === undefined) found('every manifest has its blobs', `${of}: no object`);
      else if (object.size !== blob.size)
        found('every manifest has its blobs', `${of} of ${blob.size} bytes, the object has ${object.size}`);
    }
    for (const child of children)
      if (!manifests.has(child)) found('an index keeps its children', `${digest} names ${child}`);
  }
  for (const [digest, { actual, ...object }] of byDigest) {
    const blob = blobs.get(digest);
    if (blob !== undefined && (blob['size'] !== object.size || blob['crc32c'] !== object.crc32c))
      found('blobs are as their documents say', `${digest}: ${JSON.stringify(blob)}`);
    if (actual === undefined) continue;
    if (actual.digest !== digest || actual.size !== object.size || actual.crc32c !== object.crc32c)
      found('objects are what their names say', `${object.name} is ${JSON.stringify(actual)}`);
  }
  for (const [key, image] of images) {
    const current = image['current'] as { digest: string } | undefined;
    if (current !== undefined && !manifests.has(current.digest))
      found('every current image has its manifest', `image ${key} names ${current.digest}`);
    const { state } = image['build'] as { state: string };
    if (state !== 'none' && state !== 'failed')
      found('no build is left alone', `image ${key} is ${JSON.stringify(image['build'])}`);
  }
  return violations;
}
