// The deployables as they are after a deployment: unpacked from their archives far from the sources, with what npm brings to them.
import { cp, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { buildAll } from '#build/build-all.ts';
import type { Manifest } from '#build/manifest.ts';

const ROOT = resolve(import.meta.dirname, '../..');

export interface InstalledBundles {
  /** Where each is, with its node_modules. */
  readonly functions: string;
  readonly worker: string;
  /** What functions are started with: see programs/told-port.ts. */
  readonly preload: string;
  readonly manifest: Manifest;
}

/** Builds, unpacks and installs below `folder`, which is there and empty. */
export async function installBundles(folder: string): Promise<InstalledBundles> {
  const dist = join(folder, 'dist');
  const manifest = await buildAll(ROOT, dist);
  const [functions, worker] = [join(folder, 'functions'), join(folder, 'worker')];
  await mkdir(worker);
  await execa('unzip', ['-q', join(dist, 'function.zip'), '-d', functions]);
  await execa('tar', ['-xzf', join(dist, 'worker.tar.gz'), '-C', worker]);
  // As Google's buildpack installs a source with a lock file. It fails where that and package.json differ.
  for (const cwd of [functions, worker]) await execa('npm', ['ci', '--omit=dev'], { cwd });
  // No package.json says there what it is: its ending does.
  const preload = join(folder, 'told-port.mts');
  await cp(join(import.meta.dirname, 'programs/told-port.ts'), preload);
  return { functions, worker, preload, manifest };
}
