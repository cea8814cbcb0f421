// `npm run build`: the deployables, each as a folder and as the archive that is uploaded, in dist/.
import { join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { BuildError } from './build-error.ts';
import { buildAll } from './build-all.ts';
import type { Manifest } from './manifest.ts';

const ROOT = resolve(import.meta.dirname, '..');

const HELP = `
In that folder afterwards:
  functions/, function.zip    the Cloud Functions registry, prebuild and janitor
  worker/, worker.tar.gz      the build worker
  manifest.json               the commit, and size and SHA-256 of every file

The same sources give the same bytes, on every machine and at any time. Each folder starts with Node 24 and
nothing else but what npm install --omit=dev brings to it.`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { out } = new Command('npm run build --')
    .description('Bundles what is deployed.')
    .option('--out <folder>', 'where to; what is there is replaced', 'dist')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .parse()
    .opts<{ out: string }>();
  try {
    const folder = resolve(out);
    console.log(textOf(await buildAll(ROOT, folder), relative(process.cwd(), folder)));
    return 0;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`npm run build: ${error.message}`);
    return 1;
  }
}

function textOf({ commit, isModified, archives }: Manifest, folder: string): string {
  const at = commit === undefined ? 'outside of git' : `commit ${commit.slice(0, 12)}`;
  const state = isModified ? ', with changes that are not committed' : '';
  const lines = Object.entries(archives).map(
    ([name, { bytes, sha256 }]) =>
      `  ${join(folder, name).padEnd(24)} ${(bytes / 1e6).toFixed(2)} MB  sha256 ${sha256}`,
  );
  return [`Built from ${at}${state}:`, ...lines].join('\n');
}
