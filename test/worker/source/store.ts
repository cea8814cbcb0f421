// A Nix store of a test's own, and what lies in it.
import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { openNix, type Nix } from '#worker/nix/nix.ts';

export interface TestStore {
  readonly nix: Nix;
  /** Beside the store, for the worker's own. */
  readonly folder: string;
}

/** An empty store, removed when the test ends. */
export async function testStore(context: Pick<TestContext, 'after'>): Promise<TestStore> {
  const root = await mkdtemp(join(tmpdir(), 'derivery-store-'));
  context.after(async () => {
    // Store paths are read-only.
    await execa('chmod', ['-R', 'u+w', root], { reject: false });
    // After a failed test something may still write here, which must not keep the hooks that follow from running.
    await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  const config = ['build-users-group =', 'substituters =', 'sandbox = false', 'fsync-metadata = false'].join(
    '\n',
  );
  const environment = { ...process.env, XDG_CACHE_HOME: join(root, 'cache') };
  const nix = openNix({ store: join(root, 'store'), config }, environment);
  // Nix commands that create one store at the same time stumble over each other's links.
  await execa('nix-store', [...nix.options, '--init'], { env: nix.environment, extendEnv: false });
  return { nix, folder: join(root, 'worker') };
}

/** What a folder holds: content by name, `* …` of executables, `-> …` of links, `/` of folders that are empty. */
export async function contentOf(folder: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1);
    if (entry.isSymbolicLink()) content[name] = `-> ${await readlink(path)}`;
    else if (entry.isDirectory()) {
      if ((await readdir(path)).length === 0) content[name] = '/';
    } else {
      const isExecutable = ((await stat(path)).mode & 0o100) !== 0;
      content[name] = `${isExecutable ? '* ' : ''}${await readFile(path, 'utf8')}`;
    }
  }
  return content;
}
