// What every planner of the benchmark is.
import type { PackageNode } from '../package-graph.ts';
import type { Image, Workload } from '../workload.ts';

/** The layers of an image, lowest first. */
export type Plan = (image: Image) => readonly (readonly PackageNode[])[];

export interface Planner {
  readonly title: string;
  /** Looks at what may be known before any image is asked for. */
  readonly prepare: (workload: Workload) => Plan;
}
