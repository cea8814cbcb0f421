// All planners of the benchmark, in the order of its tables.
import { autoLayer } from './auto-layer.ts';
import { derivery } from './derivery.ts';
import { nixery } from './nixery.ts';
import type { Planner } from './planner.ts';
import { popularityContest } from './popularity-contest.ts';
import { oneLayer, onePerPath, onePerPathWithin } from './simple.ts';

export const PLANNERS: readonly Planner[] = [
  oneLayer,
  onePerPath,
  onePerPathWithin(119),
  popularityContest,
  autoLayer,
  nixery,
  derivery,
];
