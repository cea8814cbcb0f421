// All deployables, from the sources to their archives.
import { cp, glob, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BuildError } from './build-error.ts';
import { bundle } from './bundle.ts';
import { DEPLOYABLES, importsOf, type Deployable } from './deployable.ts';
import { describeBuild, stateOfSources, type Manifest } from './manifest.ts';
import { lockSchema, pinPackages, type Lock } from './pinned-packages.ts';
import { requireReplaceable } from './require-replaceable.ts';
import { tarGz } from './tar-gz.ts';
import { zip, type ArchivedFile } from './zip.ts';

/** The runtime of the cloud, which takes its Node from here (`nodejs24`), and of the worker. */
const ENGINES = { node: '24.x' };

/**
 * Builds the project at `root` into the folder `out`, which is replaced when all is there. Throws a {@link BuildError} where there
 * is nothing to build from, and where the folder has something else in it than a build.
 */
export async function buildAll(root: string, out: string): Promise<Manifest> {
  const lock = await readLock(root);
  await requireReplaceable(out);
  const state = await stateOfSources(root);
  const unfinished = `${out}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const files: ArchivedFile[] = [];
  const archives: ArchivedFile[] = [];
  for (const deployable of DEPLOYABLES) {
    const content = await buildOne(root, deployable, lock, join(unfinished, deployable.name));
    files.push(...content.map(file => ({ ...file, path: `${deployable.name}/${file.path}` })));
    const archive = {
      path: deployable.archive,
      content: deployable.archive.endsWith('.zip') ? zip(content) : tarGz(content),
    };
    await writeFile(join(unfinished, archive.path), archive.content);
    archives.push(archive);
  }
  const manifest = describeBuild(state, archives, files);
  await writeFile(join(unfinished, 'manifest.json'), toJson(manifest));
  await rm(out, { recursive: true, force: true });
  await rename(unfinished, out);
  return manifest;
}

/** The deployable's files, as they are in its folder, by their paths. */
async function buildOne(
  root: string,
  deployable: Deployable,
  lock: Lock,
  folder: string,
): Promise<readonly ArchivedFile[]> {
  await bundle(root, deployable, folder);
  for (const [name, patterns] of Object.entries(deployable.files)) {
    for await (const file of glob([...patterns], { cwd: join(root, name) })) {
      await cp(join(root, name, file), join(folder, name, file));
    }
  }
  const { manifest, lockfile } = pinPackages(lock, deployable.packages, {
    name: `derivery-${deployable.name}`,
    version: z.object({ version: z.string() }).parse(lock.packages['']).version,
    engines: ENGINES,
  });
  const imports = importsOf(deployable);
  const more = {
    private: true,
    type: 'module',
    main: './index.mjs',
    ...(Object.keys(imports).length > 0 && { imports }),
  };
  await writeFile(join(folder, 'package.json'), toJson({ ...manifest, ...more }));
  await writeFile(join(folder, 'package-lock.json'), toJson(lockfile));
  return readFolder(folder);
}

async function readFolder(folder: string): Promise<readonly ArchivedFile[]> {
  const found: ArchivedFile[] = [];
  for await (const entry of glob('**/*', { cwd: folder, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    found.push({ path: file.slice(folder.length + 1), content: await readFile(file) });
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function readLock(root: string): Promise<Lock> {
  const file = join(root, 'package-lock.json');
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new BuildError(`${file} cannot be read, which says what is deployed: run npm install`, {
      cause: error,
    });
  });
  return lockSchema.parse(JSON.parse(text));
}

function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
