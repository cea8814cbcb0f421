// A binary cache in a folder, and stores that may or may not fetch from it.
import { mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { parseStorePath, type StorePath } from '#core/store-path.ts';
import { nixConfig } from '#local/nix.ts';
import { removeStore } from '#test/nix/debian-set.ts';
import { openNix, type Nix } from '#worker/nix/nix.ts';
import { runNix } from '#worker/nix/run-nix.ts';

const signal = AbortSignal.timeout(120_000);

/**
 * A store of the test's own, empty, which fetches `from` another, by its address, if there is one: whatever that has, or what is signed
 * with one of the keys that it is `trusting`, as Nix does where nothing is said.
 */
export async function emptyStore(
  context: TestContext,
  { from, trusting }: { readonly from?: string; readonly trusting?: readonly string[] } = {},
): Promise<Nix> {
  const store = await temporary(context);
  const trust =
    trusting === undefined ? 'require-sigs = false' : `trusted-public-keys = ${trusting.join(' ')}`;
  const fetching = from === undefined ? '' : `substituters = ${from}\n${trust}\n`;
  const environment = { ...process.env, XDG_CACHE_HOME: join(store, 'cache') };
  return openNix({ store, config: `${await nixConfig('debian')}${fetching}` }, environment);
}

export interface Built {
  readonly drv: string;
  readonly path: StorePath;
}

/** Instantiates derivations, by name; they are built only where `build` says so. */
export async function derivations(
  context: TestContext,
  nix: Nix,
  scripts: Readonly<Record<string, string>>,
  build = false,
): Promise<Record<string, Built>> {
  const file = join(await temporary(context), 'set.nix');
  const attributes = Object.entries(scripts).map(
    ([name, script]) => `${name} = build "${name}" ''${script}'';`,
  );
  await writeFile(
    file,
    `let build = name: script: derivation {
       inherit name;
       system = builtins.currentSystem;
       builder = "/bin/bash";
       args = [ "-euc" "PATH=/usr/bin:/bin; \${script}\\n:" ];
     };
     in rec { ${attributes.join('\n')} }`,
  );
  const made: Record<string, Built> = {};
  for (const name of Object.keys(scripts)) {
    const drv = await line(nix, 'nix-instantiate', [file, '--attr', name]);
    const path = parseStorePath(await line(nix, 'nix-store', ['--query', '--outputs', drv]));
    if (build) await line(nix, 'nix-store', ['--realise', drv]);
    made[name] = { drv, path };
  }
  return made;
}

/** Copies paths with all that they need into a new cache, signed with the key in a file if there is one; answers its address. */
export async function cacheOf(
  context: TestContext,
  { environment, options }: Nix,
  paths: readonly StorePath[],
  keyFile?: string,
): Promise<string> {
  const address = `file://${await temporary(context)}`;
  const to = keyFile === undefined ? address : `${address}?compression=none&secret-key=${keyFile}`;
  const args = ['copy', '--extra-experimental-features', 'nix-command', '--to', to];
  await execa('nix', [...args, ...options, ...paths], { env: environment, extendEnv: false });
  return address;
}

/** Whether a store has a path. */
export async function isValid(nix: Nix, path: StorePath): Promise<boolean> {
  return (await runNix(nix, 'nix-store', ['--check-validity', path], { signal })).succeeded;
}

async function line(nix: Nix, command: 'nix-store' | 'nix-instantiate', args: string[]): Promise<string> {
  const { succeeded, stdout, stderr } = await runNix(nix, command, args, { signal });
  if (!succeeded) throw new Error(stderr);
  return stdout.trim();
}

/** Nix refuses a store behind a symbolic link. */
async function temporary(context: TestContext): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'derivery-cache-')));
  context.after(() => removeStore(folder));
  return folder;
}
