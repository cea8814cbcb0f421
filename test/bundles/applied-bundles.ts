// The programs of a deployment as those find them who start them: the functions by their build's source, the worker by its machine's
// metadata.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { workerMetadata, type PlannedResource } from '#test/infra/terraform/planned.ts';
import type { AppliedCloud } from './applied-cloud.ts';
import { unpackBundles, type InstalledBundles } from './installed-bundles.ts';

/** Where they are, `BUCKET/OBJECT`. */
export function objectNames(
  resources: readonly PlannedResource[],
): Record<'functions' | 'worker' | 'node', string> {
  const sources = resources
    .filter(({ type }) => type === 'google_cloudfunctions2_function')
    .map(({ values }) => buildSchema.parse(values).build_config[0].source[0].storage_source[0]);
  const [functions = '', ...others] = new Set(sources.map(({ bucket, object }) => `${bucket}/${object}`));
  assert.deepEqual(others, [], 'all functions are of one bundle');
  const { 'derivery-bundle': worker = '', 'derivery-node': node = '' } = workerMetadata(resources);
  return { functions, worker, node };
}

const buildSchema = z.object({
  build_config: z.tuple([
    z.object({
      source: z.tuple([
        z.object({ storage_source: z.tuple([z.object({ bucket: z.string(), object: z.string() })]) }),
      ]),
    }),
  ]),
});

/** Fetches them into a new folder, each as it was promised, and installs them there. */
export async function fetchBundles(
  cloud: AppliedCloud,
  resources: readonly PlannedResource[],
  folder: string,
): Promise<Omit<InstalledBundles, 'manifest'>> {
  await mkdir(folder);
  const names = objectNames(resources);
  const metadata = workerMetadata(resources);

  async function fetched(object: string, sha256?: string): Promise<string> {
    const [bucket = '', name = ''] = object.split('/');
    const content = await cloud.read(bucket, name);
    if (sha256 !== undefined) assert.equal(createHash('sha256').update(content).digest('hex'), sha256);
    const file = join(folder, name);
    await writeFile(file, content);
    return file;
  }
  await fetched(names.node, metadata['derivery-node-sha256']);
  const functions = await fetched(names.functions);
  const worker = await fetched(names.worker, metadata['derivery-bundle-sha256']);
  return unpackBundles({ functions, worker }, folder);
}
