// The deployables as they are after a deployment: unpacked from their archives far from the sources, with what npm brings to them.
import { cp, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { buildAll } from '#build/build-all.ts';
import type { Manifest } from '#build/manifest.ts';

const ROOT = resolve(import.meta.dirname, '../..');

export interface InstalledBundles {
  /** Where each is, the functions with their node_modules. */
  readonly functions: string;
  readonly worker: string;
  /** What functions are started with: see programs/told-port.ts. */
  readonly toldPort: string;
  /** What the worker is started with: see programs/own-modules.ts. */
  readonly ownModules: string;
  readonly manifest: Manifest;
}

/** Builds, unpacks and installs below `folder`, which is there and empty. */
export async function installBundles(folder: string): Promise<InstalledBundles> {
  const dist = join(folder, 'dist');
  const manifest = await buildAll(ROOT, dist);
  const installed = await unpackBundles(
    { functions: join(dist, 'function.zip'), worker: join(dist, 'worker.tar.gz') },
    folder,
  );
  return { ...installed, manifest };
}

/** Unpacks the archives below `folder`, and installs what they need. */
export async function unpackBundles(
  archives: { readonly functions: string; readonly worker: string },
  folder: string,
): Promise<Omit<InstalledBundles, 'manifest'>> {
  const [functions, worker] = [join(folder, 'functions'), join(folder, 'worker')];
  await mkdir(worker);
  await execa('unzip', ['-q', archives.functions, '-d', functions]);
  // As the machine does (infra/worker-vm/startup.sh): it has no npm, and the worker needs none.
  await execa('tar', ['-xzf', archives.worker, '-C', worker]);
  // As Google's buildpack installs a source with a lock file. It fails where that and package.json differ.
  await execa('npm', ['ci', '--omit=dev'], { cwd: functions });
  // No package.json says there what it is: its ending does.
  const [toldPort, ownModules] = [join(folder, 'told-port.mts'), join(folder, 'own-modules.mts')];
  await cp(join(import.meta.dirname, 'programs/told-port.ts'), toldPort);
  await cp(join(import.meta.dirname, 'programs/own-modules.ts'), ownModules);
  return { functions, worker, toldPort, ownModules };
}
