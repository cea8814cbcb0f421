// What changes from one revision of the package set to the next.
import type { PackageGraph, PackageNode } from './package-graph.ts';
import type { Random } from '#test/random.ts';

/** The content of a package at a revision: a number of its own. */
export type ContentOf = (node: PackageNode, revision: number) => number;

const CHANGE = 0.02;
/** Of packages that so many others depend on, each change is a mass rebuild: they are kept for one revision. */
const HUB_DEPENDENTS = 1500;
const MASS_REBUILD = 3;

/** Some packages change by themselves, and with each all that depend on it, as Nix has it. Revisions count from 0. */
export function contentsOf({ nodes }: PackageGraph, revisions: number, random: Random): ContentOf {
  let contents = nodes.map(({ id }) => id);
  let unused = nodes.length;
  const all = [contents];
  for (let revision = 1; revision < revisions; revision += 1) {
    const before = contents;
    contents = [];
    // Dependencies come first.
    for (const node of nodes) {
      const isHub = node.dependents > HUB_DEPENDENTS;
      const changes = isHub ? revision === MASS_REBUILD : random.next() < CHANGE;
      const isOther = ({ id }: PackageNode): boolean => contents[id] !== before[id];
      contents.push(changes || node.dependencies.some(isOther) ? unused++ : (before[node.id] ?? node.id));
    }
    all.push(contents);
  }
  return ({ id }, revision) => all[revision]?.[id] ?? id;
}
