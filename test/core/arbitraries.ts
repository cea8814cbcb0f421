// Random values of the domain, for properties.
import * as fc from 'fast-check';
import type { ClosureNode } from '#core/closure.ts';
import { digestFromHex, type Digest } from '#core/digest.ts';
import type { PackageSource } from '#core/package-source.ts';
import { parseStorePath, type StorePath } from '#core/store-path.ts';

/** Records as our own code makes them. */
const PLAIN = { noNullPrototype: true } as const;

const alphanumeric = fc.stringMatching(/^[a-z0-9]{1,5}$/);

/** One component of a repository's name, put together as the specification's grammar says. */
export const component: fc.Arbitrary<string> = fc
  .tuple(
    alphanumeric,
    fc.array(fc.tuple(fc.constantFrom('.', '_', '__', '-', '--', '---'), alphanumeric), { maxLength: 2 }),
  )
  .map(([first, rest]) => first + rest.map(parts => parts.join('')).join(''));

export const tag: fc.Arbitrary<string> = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/);

/** Text that likes the characters which separate things somewhere. */
export const treacherousText: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom('a', 'b', '/', ':', ',', '"', '\\', '[', ']', '\n', ' ', '\0', '@', '%', 'é'),
  minLength: 1,
  maxLength: 8,
});

/** What addresses may hold of the characters that separate things. */
const reference = fc.string({
  unit: fc.constantFrom('a', 'b', '/', ':', ',', '"', '\\', '[', ']', '%'),
  minLength: 1,
  maxLength: 8,
});

const gitUrl = fc.oneof(
  reference.map(path => `https://example.org/${path}`),
  reference.map(path => `/${path}`),
  reference.map(path => `git@example.org:a${path}`),
);

const flakeReference = fc.oneof(
  fc.stringMatching(/^[a-z/]{0,6}$/).map(ref => `github:owner/repository/${ref}`),
  fc.stringMatching(/^[a-z:,"/]{1,8}$/).map(path => `path:/${path}`),
  fc.stringMatching(/^[a-z:,"/]{1,8}$/).map(path => `git+https://example.org/${path}?ref=a`),
);

export const packageSource: fc.Arbitrary<PackageSource> = fc.oneof(
  fc.record(
    { kind: fc.constant('channel' as const), name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/) },
    PLAIN,
  ),
  fc.record({ kind: fc.constant('git' as const), url: gitUrl }, PLAIN),
  fc.record({ kind: fc.constant('flake' as const), reference: flakeReference }, PLAIN),
  fc.record({ kind: fc.constant('path' as const), folder: treacherousText.map(text => `/${text}`) }, PLAIN),
  fc.constant({ kind: 'debian' as const }),
);

export const digest: fc.Arbitrary<Digest> = fc.stringMatching(/^[0-9a-f]{64}$/).map(digestFromHex);

export const storePath: fc.Arbitrary<StorePath> = fc
  .tuple(fc.stringMatching(/^[0-9a-df-np-sv-z]{32}$/), fc.stringMatching(/^[0-9A-Za-z+._?=-]{1,12}$/))
  .map(([hash, name]) => parseStorePath(`/nix/store/${hash}-${name}`));

/** Closures of few sizes, so that equal ones meet. */
export const closure: fc.Arbitrary<ClosureNode[]> = fc.uniqueArray(
  fc.record({
    path: storePath,
    narHash: fc.stringMatching(/^sha256:[0-9a-z]{8}$/),
    narSize: fc.nat(5),
    references: fc.constant([]),
  }),
  { selector: node => node.path, maxLength: 40 },
);
