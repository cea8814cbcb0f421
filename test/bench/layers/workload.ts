// Images that people pull, and who pulls them.
import type { Demand, GraphPrior } from '#core/layer-demand.ts';
import { demandOfImages } from '#core/layer-demand.ts';
import type { StorePath } from '#core/store-path.ts';
import { closureOf, type PackageGraph, type PackageNode } from './package-graph.ts';
import { randomOf, type Random } from '#test/random.ts';
import { rootsOf, WELL_KNOWN } from './roots.ts';

export interface Image {
  readonly requested: readonly PackageNode[];
  readonly closure: readonly PackageNode[];
}

export interface Pull {
  readonly client: number;
  readonly image: Image;
  /** From 0 on. */
  readonly revision: number;
  /** Whether its bytes count. */
  readonly isCounted: boolean;
}

export interface Workload {
  readonly graph: PackageGraph;
  /** What planners may know of demand: of images made before, or of the graph alone. */
  readonly demand: Demand | GraphPrior;
  /** The images that are pulled, none of which was known before. */
  readonly images: readonly Image[];
  readonly pulls: readonly Pull[];
  readonly revisions: number;
}

/** What a workload is made by. */
export interface WorkloadShape {
  readonly title: string;
  /** How likely an image has another package, and how many it has at most. */
  readonly more: number;
  readonly most: number;
  /** What is known before: images, the graph alone, of that what well-known packages need, or images from when demand was another. */
  readonly known: 'images' | 'graph' | 'well-known' | 'other demand';
  /** Whether clients pull the same images again at later revisions. */
  readonly isRepeated: boolean;
}

const base = { more: 0.5, most: 8, known: 'images', isRepeated: false } as const;
const heavy = { ...base, more: 0.85, most: 20 } as const;

export const WORKLOADS = {
  base: { ...base, title: 'W1 base' },
  heavy: { ...heavy, title: 'W2 heavy' },
  light: { ...base, title: 'W3 light', more: 0.3, most: 3 },
  revisions: { ...base, title: 'W4 revisions of base', isRepeated: true },
  'heavy-revisions': { ...heavy, title: 'W4 revisions of heavy', isRepeated: true },
  'cold-start': { ...base, title: 'W5 cold start', known: 'graph' },
  'well-known': { ...heavy, title: 'W5 cold start of heavy', known: 'well-known' },
  drift: { ...base, title: 'W6 drift', known: 'other demand' },
} as const satisfies Readonly<Record<string, WorkloadShape>>;

export type WorkloadName = keyof typeof WORKLOADS;

const TRAINING = 3000;
const SHELL = ['bash', 'coreutils', 'moreutils', 'nano'];
const ALWAYS = ['ca-certificates', 'netbase'];

export function makeWorkload(graph: PackageGraph, shape: WorkloadShape, seed: number): Workload {
  const random = randomOf(seed);
  const roots = rootsOf(graph, random);
  const shell = SHELL.map(graph.named);
  const always = ALWAYS.map(graph.named);

  function imagesOf(ranked: readonly PackageNode[], number: number): Image[] {
    const draw = drawByRank(ranked, random);
    return Array.from({ length: number }, () => {
      const packages = [draw()];
      while (packages.length < shape.most && random.next() < shape.more) packages.push(draw());
      const hasShell = random.next() < 0.6;
      const requested = [...new Set([...packages, ...always, ...(hasShell ? shell : [])])];
      return { requested, closure: [...closureOf(requested)] };
    });
  }

  const ranked = shape.known === 'other demand' ? partlyShuffled(roots, random) : roots;
  const wellKnown = shape.known === 'well-known' ? roots.slice(0, WELL_KNOWN) : roots;
  const demand =
    shape.known === 'graph' || shape.known === 'well-known'
      ? { roots: paths(wellKnown), inEvery: paths(always), inShells: paths(shell) }
      : demandOfImages(imagesOf(ranked, TRAINING).map(({ closure }) => paths(closure)));
  const images = imagesOf(roots, shape.isRepeated ? 300 : 600);
  const pulls = shape.isRepeated ? repeatedPulls(images, random) : singlePulls(images, random);
  return { graph, demand, images, pulls, revisions: shape.isRepeated ? REVISIONS : 1 };
}

/** Draws with chances that fall as the rank rises (Zipf's law, exponent 1). */
function drawByRank(ranked: readonly PackageNode[], random: Random): () => PackageNode {
  let sum = 0;
  const upTo = ranked.map((_, rank) => (sum += 1 / (rank + 1)));
  return () => {
    const point = random.next() * sum;
    let [low, high] = [0, upTo.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] ?? 0) > point) high = middle;
      else low = middle + 1;
    }
    return random.oneOf(ranked.slice(low, low + 1));
  };
}

/** Half of the ranks change hands. */
function partlyShuffled(ranked: readonly PackageNode[], random: Random): PackageNode[] {
  const moving = new Set(random.shuffled(ranked).slice(0, ranked.length / 2));
  const inOtherOrder = random.shuffled([...moving]);
  return ranked.flatMap(node => (moving.has(node) ? inOtherOrder.splice(0, 1) : [node]));
}

function singlePulls(images: readonly Image[], random: Random): Pull[] {
  return Array.from({ length: 100 * 20 }, (_, pull) => ({
    client: pull % 100,
    image: random.oneOf(images),
    revision: 0,
    isCounted: true,
  }));
}

const REVISIONS = 8;

/** Sixty clients keep six images each up to date. What they pull at first does not count. */
function repeatedPulls(images: readonly Image[], random: Random): Pull[] {
  const kept = Array.from({ length: 60 }, () => random.shuffled(images).slice(0, 6));
  return Array.from({ length: REVISIONS }, (_, revision) =>
    kept.flatMap((some, client) => some.map(image => ({ client, image, revision, isCounted: revision > 0 }))),
  ).flat();
}

function paths(nodes: readonly PackageNode[]): StorePath[] {
  return nodes.map(({ path }) => path);
}
