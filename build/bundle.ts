// One deployable's code: its sources and the packages that they import, in as few files as its lazy imports allow.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { BuildError } from './build-error.ts';
import { importsOf, programName, type Deployable } from './deployable.ts';
import { lazyFirestore } from './lazy-firestore.ts';
import { namedImports } from './named-imports.ts';

/** What CommonJS packages expect of Node, in a module of the other kind. */
const COMMON_JS = [
  "import { createRequire as createRequireOfBundle } from 'node:module';",
  'const require = createRequireOfBundle(import.meta.url);',
  'const __dirname = import.meta.dirname;',
].join('\n');

/** How a source finds a file beside itself, where a bundle has none. */
const BESIDE_ITSELF = /import\.meta\.(?:url|dirname|filename)/;

/** What a source finds at run time, and how its name begins. */
const RESOLVED = /import\.meta\.resolve\(['"`](#[^'"`$]*)/g;

/**
 * Bundles into `folder`. The same sources and packages give the same bytes, wherever they lie. Throws a {@link BuildError}
 * where a source would not find its files any more.
 */
export async function bundle(root: string, deployable: Deployable, folder: string): Promise<void> {
  const { entry, programs, packages } = deployable;
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: {
      index: entry,
      ...Object.fromEntries(programs.map(source => [programName(source), source])),
    },
    outdir: folder,
    bundle: true,
    // What is imported when it is needed stays so: every file more at the start is time that a first pull waits.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // By its ending functions-framework knows what it is, and need not look for a package.json first.
    outExtension: { '.js': '.mjs' },
    chunkNames: 'parts/[name]-[hash]',
    // Names stay, for the stack traces in logs.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'external',
    external: [...packages],
    banner: { js: COMMON_JS },
    plugins: [lazyFirestore, namedImports(packages)],
    // A link to node_modules elsewhere must not show in the bytes.
    preserveSymlinks: true,
    metafile: true,
    logLevel: 'warning',
  });
  await requireFound(root, metafile, deployable);
}

async function requireFound(root: string, { inputs }: Metafile, deployable: Deployable): Promise<void> {
  const known = Object.keys(importsOf(deployable)).map(name => name.replace(/\*$/, ''));
  const sources = Object.keys(inputs).filter(
    input => !/^node_modules\/|^(?:lazy-firestore|named-imports):/.test(input),
  );
  for (const source of sources) {
    const text = await readFile(join(root, source), 'utf8');
    if (BESIDE_ITSELF.test(text)) {
      throw new BuildError(
        `${source} looks for files by its own place, which is another one in a bundle: import.meta.resolve('#…') finds them in both`,
      );
    }
    for (const [, name = ''] of text.matchAll(RESOLVED)) {
      if (known.some(beginning => name.startsWith(beginning))) continue;
      throw new BuildError(`${source} resolves ${name} at run time, which build/deployable.ts does not have`);
    }
  }
}
