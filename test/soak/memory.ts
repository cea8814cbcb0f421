// What memory the programs of a soak have, looked at again and again.
import { readFile } from 'node:fs/promises';
import { SERVICES } from './plan.ts';
import type { World } from './world.ts';

/** How often. Milliseconds. */
const EVERY_MS = 5_000;

/** Notes the memory of every program until it is stopped. */
export function watchMemory({ history, programs, services }: World): { stop(): void } {
  const look = async (): Promise<void> => {
    const all = [...programs.alive(), ...SERVICES.map(name => [name, services[name].pid()] as const)];
    for (const [program, pid] of all) {
      const mib = await residentMib(pid);
      if (mib !== undefined) history.note({ kind: 'memory', program, pid, mib });
    }
  };
  const timer = setInterval(() => void look(), EVERY_MS);
  return { stop: () => clearInterval(timer) };
}

/** Undefined where the process has ended. */
async function residentMib(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? undefined : Math.round(Number(kib) / 1024);
}
