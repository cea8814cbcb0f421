import assert from 'node:assert/strict';
import { before, after, describe, test } from 'node:test';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { Closure } from '#core/closure.ts';
import { digestOf } from '#core/digest.ts';
import type { ImageRequest } from '#core/image-request.ts';
import type { LayerFact } from '#core/layer.ts';
import { EMPTY_SNAPSHOT, makeSnapshot } from '#core/layer-snapshot.ts';
import { planImage, type DescribedLayer, type ImageParts } from '#worker/image/plan-image.ts';
import { writeImage } from '#worker/image/write-image.ts';
import type { FoundItem } from '#worker/nix/resolve.ts';
import { file, folder, makeNode, remove, storePath } from '#test/worker/pack/trees.ts';
import { itemOf, nodeOf } from './items.ts';

const request: ImageRequest = {
  packages: ['curl', 'git', 'jq'],
  platforms: ['linux/amd64'],
  user: 'root',
  source: { kind: 'channel', name: 'nixos-26.05' },
  ref: 'latest',
};
const items = [
  itemOf('curl', { mainProgram: 'curl' }),
  itemOf('git', { priority: 3 }),
  itemOf('jq'),
  itemOf('jq', { attribute: 'alias', priority: 9 }),
  itemOf('cacert'),
];
const needed = ['glibc', 'zlib', 'zlib-2', 'perl'].map(name => itemOf(name).path);
const nodes: Closure = [...new Set([...items.map(({ path }) => path), ...needed])].map((path, index) => ({
  // Some of one size: their order has to come from something else.
  ...nodeOf({ path }, 1000 - (index % 3)),
  // The first two need all of these, the others fewer and fewer.
  references: needed.includes(path) ? [] : needed.slice(Math.max(index - 1, 0)),
}));

let real: string;
before(() => {
  real = mkdtempSync(join(tmpdir(), 'derivery-plan-'));
  for (const { path } of nodes) {
    const name = path.slice(44);
    makeNode(join(real, name), folder({ bin: folder({ [name]: file('', true) }) }));
  }
});
after(() => remove(real));

function partsOf(parts: Partial<ImageParts> = {}): ImageParts {
  return {
    request,
    revision: 'r1',
    settings: { layerBudget: 4, owner: { uid: 0, gid: 0 }, compression: 'gzip' },
    items,
    nodes,
    realPath: path => join(real, path.slice(44)),
    snapshot: EMPTY_SNAPSHOT,
    ...parts,
  };
}

/** What a layer would become, were it packed: something that follows from its key alone. */
function factOf({ key }: DescribedLayer): LayerFact {
  return { digest: digestOf(`gzip ${key}`), diffId: digestOf(`tar ${key}`), size: key.length };
}

function digestOfImage(parts: ImageParts): string {
  const plan = planImage(parts);
  return writeImage(plan, plan.layers.map(factOf)).manifest.digest;
}

const shuffled = <T>(all: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...all], { minLength: all.length, maxLength: all.length });

describe('an image', () => {
  test('N14: has one digest, in whatever order the database, Nix and the name tell of its parts', () => {
    const expected = digestOfImage(partsOf());
    const inAnyOrder = fc.record({
      items: shuffled(items),
      nodes: fc
        .tuple(...nodes.map(node => shuffled(node.references).map(references => ({ ...node, references }))))
        .chain(shuffled),
      packages: shuffled(request.packages),
    });
    fc.assert(
      fc.property(inAnyOrder, ({ packages, ...parts }) => {
        assert.equal(digestOfImage(partsOf({ ...parts, request: { ...request, packages } })), expected);
      }),
    );
  });

  test('has one digest, however the same packages are spelled', () => {
    const spelled = (name: string): FoundItem => itemOf('bash', { name, attribute: 'bashInteractive' });
    const digests = ['bashInteractive', 'bashinteractive', 'bash__49nteractive'].map(name =>
      digestOfImage(
        partsOf({
          request: { ...request, packages: [name] },
          items: [spelled(name)],
          nodes: [nodeOf(spelled(name))],
        }),
      ),
    );
    assert.equal(new Set(digests).size, 1);
  });

  const roots = items.map(({ path }) => path);
  const snapshot = makeSnapshot(nodes, { roots, inEvery: [], inShells: [] });
  const others: readonly [what: string, parts: Partial<ImageParts>][] = [
    ['user', { request: { ...request, user: 'nonroot' } }],
    ['platform', { request: { ...request, platforms: ['linux/arm64'] } }],
    ['owner', { settings: { layerBudget: 4, owner: { uid: 5, gid: 5 }, compression: 'gzip' } }],
    ['compression', { settings: { layerBudget: 4, owner: { uid: 0, gid: 0 }, compression: 'zstd' } }],
    ['revision', { revision: 'r2' }],
    ['packages', { items: items.slice(1) }],
    ['snapshot', { snapshot }],
    // Git and curl change places, so another of two equal files would win.
    ['priorities', { items: items.map(item => (item.name === 'curl' ? { ...item, priority: 1 } : item)) }],
  ];
  for (const [what, parts] of others) {
    test(`of another ${what} is another`, () => {
      assert.notEqual(digestOfImage(partsOf(parts)), digestOfImage(partsOf()));
    });
  }

  test('of another user shares all layers but the one of links; of another owner none', () => {
    const keys = (parts: Partial<ImageParts>): string[] =>
      planImage(partsOf(parts)).layers.map(({ key }) => key);
    const mine = keys({});
    const users = keys({ request: { ...request, user: 'nonroot' } });
    assert.deepEqual(users.slice(0, -1), mine.slice(0, -1));
    assert.notEqual(users.at(-1), mine.at(-1));
    const owned = keys({ settings: { layerBudget: 4, owner: { uid: 0, gid: 1 }, compression: 'gzip' } });
    assert.ok(owned.every(key => !mine.includes(key)));
  });

  test('names the snapshot that its layers were planned by in the manifest, and not in the config', () => {
    const imageOf = (parts: Partial<ImageParts>) => {
      const plan = planImage(partsOf(parts));
      const { manifest, config } = writeImage(plan, plan.layers.map(factOf));
      const { annotations } = JSON.parse(manifest.bytes.toString()) as ReturnType<typeof planImage>;
      return { config: config.digest, named: annotations['org.derivery.layer-snapshot'] };
    };
    const mine = imageOf({ snapshot });
    assert.equal(mine.named, snapshot.id);
    // One that knows nothing of these paths plans the same layers as any other that does not.
    const stranger = storePath('stranger');
    const other = makeSnapshot([nodeOf({ path: stranger })], {
      roots: [stranger],
      inEvery: [],
      inShells: [],
    });
    const [first, second] = [imageOf({ snapshot: EMPTY_SNAPSHOT }), imageOf({ snapshot: other })];
    assert.notEqual(first.named, second.named);
    assert.equal(first.config, second.config);
  });

  test('names in its history what each layer holds', () => {
    const { layers } = planImage(partsOf());
    assert.equal(layers.length, 5);
    const [first, ...rest] = layers;
    assert.match(first?.createdBy ?? '', /^[a-z]+: \/nix\/store\/0{32}-[a-z]+$/);
    const named = rest.slice(0, -1).map(({ createdBy }) => createdBy).join(' '); // prettier-ignore
    assert.ok(nodes.every(({ path }) => `${first?.createdBy} ${named}`.includes(path)));
    const links = ['git', 'cacert', 'curl', 'jq'].map(name => storePath(name)).join(' ');
    assert.equal(rest.at(-1)?.createdBy, `the root, with links into: ${links}`);
  });
});
