// Which store paths of an image share a layer, and in what order the layers lie.
import { dependencyGraph, type GraphNode } from './dependency-graph.ts';
import { ANCHOR_CONSTANTS, sizeInLayer } from './layer-anchors.ts';
import type { Snapshot } from './layer-snapshot.ts';
import { byName, type StorePath } from './store-path.ts';

/**
 * Layers of store paths per image; one more is the layer of links. Docker's graph drivers begin to fail at 122 in all: there is
 * room for what somebody builds on top.
 */
export const LAYER_BUDGET = 93;

/** Changes when the same closure and snapshot are planned otherwise, here or in the making of snapshots. */
export const PLANNER_VERSION = 1;

/** Why store paths share a layer. */
export type GroupReason =
  /** They are a bundle of the snapshot: the same layer in every image that has the anchor. */
  | 'bundle'
  /** The snapshot has them in bundles whose anchors this image lacks. */
  | 'orphans'
  /** The snapshot does not know them, and the same paths of this image need them. */
  | 'outside'
  /** There were more groups than layers: what costs least when it is sent without need. */
  | 'spill';

/** The paths of one layer. */
export interface LayerGroup<N extends GraphNode = GraphNode> {
  readonly reason: GroupReason;
  /** The part of all images that this layer is taken to be in. What many have lies at the bottom. */
  readonly share: number;
  /** At least one, in the order of their names. */
  readonly nodes: readonly N[];
}

export interface PlanInput {
  readonly snapshot: Snapshot;
  /** What the image was asked for: those of its paths that stand for themselves. */
  readonly requested: readonly StorePath[];
  /** The most layers there may be, 1 at least. */
  readonly budget?: number;
}

/**
 * The layers of a closure, lowest first, every path in exactly one. Pure, and the same whatever the order of the input.
 * Throws where the closure lacks what it refers to.
 */
export function planLayers<N extends GraphNode>(
  closure: readonly N[],
  { snapshot, requested, budget = LAYER_BUDGET }: PlanInput,
): LayerGroup<N>[] {
  const here = new Set(closure.map(({ path }) => path));
  requireWhole(closure, here);
  const groups = [...bundlesOf(closure, here, snapshot), ...outsideOf(closure, snapshot, new Set(requested))];
  return withinBudget(groups, budget).toSorted(byShare);
}

function requireWhole(closure: readonly GraphNode[], here: ReadonlySet<StorePath>): void {
  if (here.size !== closure.length) throw new Error('a store path is in the closure twice');
  for (const { path, references } of closure) {
    for (const reference of references) {
      if (!here.has(reference))
        throw new Error(`${path} refers to ${reference}, which is not in the closure`);
    }
  }
}

/** Less than that of anything which was counted. */
function shareOfUnseen({ images }: Pick<Snapshot, 'images'>): number {
  return 0.5 / Math.max(images, 1);
}

/**
 * What the snapshot knows: whole bundles, and what is here of those whose anchor is not. Other images that lack an anchor mostly
 * have the same paths of its bundle, so these are a layer where they are worth one; the rest of them is one group.
 */
function bundlesOf<N extends GraphNode>(
  closure: readonly N[],
  here: ReadonlySet<StorePath>,
  snapshot: Snapshot,
): LayerGroup<N>[] {
  const groups: LayerGroup<N>[] = [];
  const rest: N[] = [];
  for (const [bundle, members] of Map.groupBy(closure, ({ path }) => snapshot.bundles.get(path))) {
    if (bundle === undefined) continue;
    if (here.has(bundle.anchor)) groups.push(groupOf('bundle', bundle.count / snapshot.images, members));
    else if (areWorthLayer(members)) groups.push(groupOf('orphans', shareOfUnseen(snapshot), members));
    else rest.push(...members);
  }
  return rest.length === 0 ? groups : [...groups, groupOf('orphans', shareOfUnseen(snapshot), rest)];
}

/**
 * What the snapshot does not know, grouped by who needs it: paths that were asked for, paths that nothing needs and those that are
 * worth a layer alone own a group, and every other is with those that have the same owners. All dependents of such a
 * path are outside too.
 */
function outsideOf<N extends GraphNode>(
  closure: readonly N[],
  { bundles, images }: Snapshot,
  requested: ReadonlySet<StorePath>,
): LayerGroup<N>[] {
  const isOutside = (path: StorePath): boolean => !bundles.has(path);
  const outside = closure.filter(({ path }) => isOutside(path));
  const { nodes, dependencies } = dependencyGraph(
    outside.map(node => ({ ...node, node, references: node.references.filter(isOutside) })),
  );
  const owners = nodes.map(() => new Set<number>());
  for (const [place, { path, node }] of nodes.entries()) {
    if (requested.has(path) || owners[place]?.size === 0 || areWorthLayer([node]))
      owners[place] = new Set([place]);
    for (const dependency of dependencies[place] ?? []) {
      for (const owner of owners[place] ?? []) owners[dependency]?.add(owner);
    }
  }
  const ownersOf = (place: number): string => [...(owners[place] ?? [])].toSorted((a, b) => a - b).join(' ');
  return [...Map.groupBy(nodes.entries(), ([place]) => ownersOf(place)).values()].map(members =>
    groupOf(
      'outside',
      shareOfUnseen({ images }),
      members.map(([, { node }]) => node),
    ),
  );
}

function groupOf<N extends GraphNode>(
  reason: GroupReason,
  share: number,
  nodes: readonly N[],
): LayerGroup<N> {
  return { reason, share, nodes: nodes.toSorted((a, b) => byName(a.path, b.path)) };
}

/**
 * By the bytes of the archives, here and below, which are part of the closure: what a cache makes of them may be known to one worker
 * and not to another.
 */
function areWorthLayer(nodes: readonly GraphNode[]): boolean {
  return sizeInLayer({ narSize: narBytes(nodes) }) >= ANCHOR_CONSTANTS.lambda;
}

/** Images that whoever pulls or keeps one is taken to have had before. */
const IMAGES_BEFORE = 100;

/** Keeps the groups whose sharing saves most, and makes one of the others. */
function withinBudget<N extends GraphNode>(
  groups: readonly LayerGroup<N>[],
  budget: number,
): LayerGroup<N>[] {
  if (groups.length <= budget) return [...groups];
  const ranked = groups
    .map(group => ({ group, worth: worthOf(group) }))
    .toSorted((a, b) => b.worth - a.worth || byFirstName(a.group, b.group))
    .map(({ group }) => group);
  const rest = ranked.slice(budget - 1);
  const share = Math.max(...rest.map(group => group.share)) / 2;
  const nodes = rest.flatMap(group => group.nodes);
  return [...ranked.slice(0, budget - 1), groupOf('spill', share, nodes)];
}

/** The bytes of a group times the chance that it is there already, as it would be in a layer of its own. */
function worthOf({ share, nodes }: LayerGroup): number {
  const copies = share * IMAGES_BEFORE;
  return (copies / (1 + copies)) * narBytes(nodes);
}

function narBytes(nodes: readonly GraphNode[]): number {
  return nodes.reduce((sum, { narSize }) => sum + narSize, 0);
}

/** One order for all images: clients that know a layer by all that lies below it share as far as it goes. */
function byShare<N extends GraphNode>(a: LayerGroup<N>, b: LayerGroup<N>): number {
  return b.share - a.share || byFirstName(a, b);
}

function byFirstName<N extends GraphNode>(
  { nodes: [a] }: LayerGroup<N>,
  { nodes: [b] }: LayerGroup<N>,
): number {
  return a === undefined || b === undefined ? 0 : byName(a.path, b.path);
}
