// Package sources that are one expression.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Nix } from '#worker/nix/nix.ts';
import type { StoredSource } from '#worker/nix/stored-source.ts';
import { storeFolder } from './store-folder.ts';

/** A folder with these files, removed when the test ends; of this name where that matters. */
export async function folderOf(
  context: TestContext,
  files: Readonly<Record<string, string>>,
  name = 'set',
): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'derivery-source-'));
  context.after(() => rm(parent, { recursive: true }));
  const folder = join(parent, name);
  await mkdir(folder);
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
  return folder;
}

/** The expression as a package set in the store. */
export async function setOf(context: TestContext, nix: Nix, expression: string): Promise<StoredSource> {
  return storeFolder(nix, await folderOf(context, { 'default.nix': expression }));
}
