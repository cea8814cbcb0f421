// The files of a fetched package set: `*.nix`, `*.sh`, and `debs/<architecture>/*.deb` or, where an architecture was not
// to be had, `debs/<architecture>.missing` with the reason.
import { createHash, hash } from 'node:crypto';
import { access, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { byCodeUnits } from '#core/order.ts';
import { isMissing } from '../is-missing.ts';
import { ARCHITECTURES, type DebianArchitecture } from './architecture.ts';

/** Where a set has the packages of an architecture. */
export function debsFolder(set: string, architecture: DebianArchitecture): string {
  return join(set, 'debs', architecture);
}

/** Has the set say, in a sentence, why it has no packages of the architecture (nix/debian/build.nix). */
export async function recordLacking(
  set: string,
  architecture: DebianArchitecture,
  reason: string,
): Promise<void> {
  await mkdir(join(set, 'debs'), { recursive: true });
  await writeFile(`${debsFolder(set, architecture)}.missing`, reason);
}

/** The architectures that a set has no packages of. */
export async function lackingArchitectures(set: string): Promise<DebianArchitecture[]> {
  const lacking: DebianArchitecture[] = [];
  for (const architecture of ARCHITECTURES) {
    await access(debsFolder(set, architecture)).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
      lacking.push(architecture);
    });
  }
  return lacking;
}

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
 * in order.
 */
export async function hashPackageSet(folder: string): Promise<string> {
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

/** SHA-256 in hexadecimal. At once, for packages are small, and a stream takes twice the time. */
export async function hashFile(file: string): Promise<string> {
  return hash('sha256', await readFile(file), 'hex');
}
