// The files of a fetched package set: `*.nix`, `deb.sh`, and `debs/<architecture>/*.deb`.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { byCodeUnits } from '#core/order.ts';

/** Copies the expressions, which thereby belong to the set and to its revision. */
export async function copyExpressions(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const name of await expressionNames(from)) await copyFile(join(from, name), join(to, name));
}

/** Whether the expressions of two folders are not the same, byte for byte. */
export async function expressionsDiffer(a: string, b: string): Promise<boolean> {
  const [inA, inB] = await Promise.all([readExpressions(a), readExpressions(b)]);
  return inA.size !== inB.size || [...inA].some(([name, content]) => inB.get(name) !== content);
}

/**
 * The revision of the set in `folder`: SHA-256, in hexadecimal, over the lines that sha256sum would print for its files
 * in order. Throws ENOENT where `required`, a folder of packages, is missing.
 */
export async function hashPackageSet(folder: string, required = join(folder, 'debs')): Promise<string> {
  await readdir(required);
  const debs = await readdir(join(folder, 'debs'), { recursive: true, withFileTypes: true });
  const files = [
    ...(await expressionNames(folder)),
    ...debs
      .filter(entry => entry.isFile())
      .map(entry => relative(folder, join(entry.parentPath, entry.name))),
  ].toSorted(byCodeUnits);
  const revision = createHash('sha256');
  for (const file of files) revision.update(`${await hashFile(join(folder, file))}  ${file}\n`);
  return revision.digest('hex');
}

async function expressionNames(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter(name => /\.(?:nix|sh)$/.test(name)).toSorted(byCodeUnits);
}

async function readExpressions(folder: string): Promise<Map<string, string>> {
  const names = await expressionNames(folder);
  const read = async (name: string) => [name, await readFile(join(folder, name), 'utf8')] as const;
  return new Map(await Promise.all(names.map(read)));
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
