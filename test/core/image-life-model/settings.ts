// Under what a course of events takes place.
import * as fc from 'fast-check';
import type { ImageRequest } from '#core/image-request.ts';

/** When every course begins. Milliseconds since the epoch. */
export const START = 1_800_000_000_000;

const HOUR = 3_600_000;

const limits = fc.constantFrom(
  { freshMs: 6 * HOUR, staleMs: 7 * 24 * HOUR },
  { freshMs: HOUR, staleMs: 6 * HOUR },
  { freshMs: 0, staleMs: HOUR },
);

export const settings = fc
  .record({
    kind: fc.constantFrom('channel' as const, 'git' as const),
    /** Whether the request names a commit. */
    pinned: fc.constantFrom(false, false, false, true),
    limits,
    /** An image of one platform, or an index of two. */
    form: fc.constantFrom('image' as const, 'index' as const),
    indexes: fc.constantFrom('whole' as const, 'partial' as const),
    /** Who is there at the end: someone who waits, or only the janitor. */
    waits: fc.constantFrom('client' as const, 'janitor' as const),
  })
  .map(({ limits: { freshMs, staleMs }, ...setting }) => ({ ...setting, freshMs, staleMs }));

export type Setting = typeof settings extends fc.Arbitrary<infer T> ? T : never;

export function requestOf({ kind, pinned, form }: Setting, name: string): ImageRequest {
  const commit = 'c'.repeat(40);
  const platforms: ImageRequest['platforms'] =
    form === 'image' ? ['linux/amd64'] : ['linux/amd64', 'linux/arm64'];
  const common = { packages: [name], platforms, user: 'root' } as const;
  return kind === 'channel'
    ? { ...common, source: { kind, name: pinned ? commit : 'nixos-unstable' }, ref: 'latest' }
    : { ...common, source: { kind, url: `https://example.org/${name}` }, ref: pinned ? commit : 'main' };
}
