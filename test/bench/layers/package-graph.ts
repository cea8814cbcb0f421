// The packages that the layer benchmark makes images of: a real dependency graph, as store paths.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import type { GraphNode } from '#core/dependency-graph.ts';
import { parseStorePath } from '#core/store-path.ts';

/** A package as one store path. */
export interface PackageNode extends GraphNode {
  /** Larger than the id of any dependency. */
  readonly id: number;
  readonly fileSize: number;
  readonly dependencies: readonly PackageNode[];
  /** Packages of the whole set that depend on it directly. */
  readonly dependents: number;
  /** Debian's section, without the archive's component. */
  readonly section: string;
}

export interface PackageGraph {
  readonly nodes: readonly PackageNode[];
  /** The node that has the package. Throws where there is none. */
  readonly named: (name: string) => PackageNode;
}

const fileSchema = z.array(
  z.object({
    n: z.string(),
    s: z.number(),
    c: z.number(),
    d: z.array(z.number()),
    sec: z.string(),
    members: z.array(z.string()),
  }),
);

/** Reads the graph that lies beside this file; `data/README.md` tells of it. */
export function readPackageGraph(): PackageGraph {
  const file = readFileSync(join(import.meta.dirname, 'data/debian-bookworm-graph.json.gz'));
  const entries = fileSchema.parse(JSON.parse(gunzipSync(file).toString()));
  const dependents = entries.map(() => 0);
  for (const id of entries.flatMap(({ d }) => d)) dependents[id] = (dependents[id] ?? 0) + 1;
  const nodes: PackageNode[] = [];
  const named = new Map<string, PackageNode>();
  for (const [id, { n, s, c, d, sec, members }] of entries.entries()) {
    const dependencies = d.flatMap(dependency => nodes[dependency] ?? []);
    const node = {
      id,
      // Any hash of which there is one a node does: an order by names comes from the names.
      path: parseStorePath(`/nix/store/${id.toString().padStart(32, '0')}-${n}`),
      narSize: s,
      fileSize: c,
      references: dependencies.map(({ path }) => path),
      dependencies,
      dependents: dependents[id] ?? 0,
      section: sec.slice(sec.lastIndexOf('/') + 1),
    };
    nodes.push(node);
    for (const member of members) named.set(member, node);
  }
  return {
    nodes,
    named: name => {
      const node = named.get(name);
      if (node === undefined) throw new Error(`the graph has no package ${name}`);
      return node;
    },
  };
}

/** All that the packages need, themselves included, each once. */
export function closureOf(packages: Iterable<PackageNode>): ReadonlySet<PackageNode> {
  const reached = new Set(packages);
  // A set hands out what is added while it is walked.
  for (const { dependencies } of reached) for (const dependency of dependencies) reached.add(dependency);
  return reached;
}

/** Dependents before what they depend on. */
export function dependentsFirst(nodes: Iterable<PackageNode>): PackageNode[] {
  return [...nodes].toSorted((a, b) => b.id - a.id);
}

/** Bytes of the archives. */
export function narBytes(nodes: Iterable<PackageNode>): number {
  let bytes = 0;
  for (const { narSize } of nodes) bytes += narSize;
  return bytes;
}
