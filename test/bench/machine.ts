// The machine that the figures come from.
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

export interface MachineFacts {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly node: string;
  /** Processes that wanted a core in the last minute: others' work makes every figure worse. */
  readonly load: number;
}

export function describeMachine(): MachineFacts {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    load: loadavg()[0] ?? 0,
  };
}

export function formatMachine({ cores, processor, memoryGiB, node, load }: MachineFacts): string {
  return `${cores} cores (${processor}), ${memoryGiB} GiB, Node ${node}; load before the start ${load.toFixed(1)}`;
}
