// Layers as registries and clients know them: by what is in them.
import type { PackageNode } from './package-graph.ts';
import type { Plan } from './planners/planner.ts';
import type { ContentOf } from './revisions.ts';
import type { Image } from './workload.ts';

export interface Layer {
  /** Equal for layers of the same contents. */
  readonly digest: number;
  /** Equal for layers of the same contents that lie on the same layers. */
  readonly chain: number;
  /** Bytes to download and to keep. */
  readonly compressed: number;
  /** Bytes to compress, once, and to unpack. */
  readonly unpacked: number;
}

/** The layers of an image at a revision, lowest first. */
export type LayersOf = (image: Image, revision: number) => readonly Layer[];

/** Makes the layers of images by their plans, each image's once. */
export function layersByPlan(plan: Plan, contentOf: ContentOf): LayersOf {
  const planned = new Map<Image, ReturnType<Plan>>();
  const layers = new Map<string, readonly Layer[]>();
  const numberOf = numbers();
  const imageNumbers = new Map<Image, number>();

  function make(image: Image, revision: number): Layer[] {
    // The graph is the same at every revision, and so are sizes and demand: a snapshot of each would plan alike.
    const groups = planned.get(image) ?? plan(image);
    planned.set(image, groups);
    let chain = 0;
    return groups.map(nodes => {
      const digest = numberOf(contentKey(nodes, revision, contentOf));
      chain = numberOf(`chain ${chain} ${digest}`);
      const sum = (size: (node: PackageNode) => number): number =>
        nodes.reduce((all, node) => all + size(node), 0);
      return { digest, chain, compressed: sum(node => node.fileSize), unpacked: sum(node => node.narSize) };
    });
  }

  return (image, revision) => {
    const number = imageNumbers.get(image) ?? imageNumbers.size;
    imageNumbers.set(image, number);
    const key = `${number} ${revision}`;
    const made = layers.get(key) ?? make(image, revision);
    layers.set(key, made);
    return made;
  };
}

function contentKey(nodes: readonly PackageNode[], revision: number, contentOf: ContentOf): string {
  return nodes
    .map(node => contentOf(node, revision))
    .toSorted((a, b) => a - b)
    .join();
}

/** A number for each text, always the same. */
function numbers(): (text: string) => number {
  const known = new Map<string, number>();
  return text => {
    const number = known.get(text) ?? known.size + 1;
    known.set(text, number);
    return number;
  };
}
