// Where a benchmark runs: systems on state folders of their own, all of it gone afterwards.
import { mkdir, mkdtemp, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeState, startLocalSystem, type LocalSystem } from '#test/e2e/local-system.ts';

export interface Workplace extends AsyncDisposable {
  /** Starts a system on the state folder of this name; what was there before is still there. */
  start(state: string): Promise<LocalSystem>;
  /** A new, empty folder. */
  folder(name: string): Promise<string>;
  /** Gives a new state folder the Nix store and the package set of another, whose system is stopped, and nothing else. */
  moveStore(from: string, to: string): Promise<void>;
}

/** Of a state folder: what Nix has built, and the Debian packages it builds from. */
const STORE_FOLDERS = ['nix', 'debian'];

export async function openWorkplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'derivery-bench-'));
  const systems: Promise<LocalSystem>[] = [];
  let isOver = false;
  return {
    start(state) {
      if (isOver) return Promise.reject(new Error('the benchmark is over'));
      const system = startLocalSystem({ source: 'debian', state: join(folder, state) });
      systems.push(system);
      return system;
    },
    async folder(name) {
      const made = join(folder, name);
      await mkdir(made);
      return made;
    },
    async moveStore(from, to) {
      await mkdir(join(folder, to));
      for (const name of STORE_FOLDERS) await rename(join(folder, from, name), join(folder, to, name));
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      for (const started of await Promise.allSettled(systems)) {
        if (started.status === 'fulfilled') await started.value.stop();
      }
      await removeState(folder);
    },
  };
}
