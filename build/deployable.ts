// What is deployed: each from a folder of its own, which has all that it needs but Node and the packages it names.
import { basename } from 'node:path';

export interface Deployable {
  /** Its folder in dist/. */
  readonly name: 'functions' | 'worker';
  /** The source that begins it: `index.mjs` in the folder. */
  readonly entry: string;
  /** Sources that are run as programs of their own, as threads are, through `import.meta.resolve('#SOURCE')`. */
  readonly programs: readonly string[];
  /** Packages that stay outside of the bundle, as dependencies of its package.json. */
  readonly packages: readonly string[];
  /** Folders whose files are read at run time, through `import.meta.resolve('#FOLDER/…')`, and which of them. */
  readonly files: Readonly<Record<string, readonly string[]>>;
  readonly archive: 'function.zip' | 'worker.tar.gz';
}

export const DEPLOYABLES: readonly Deployable[] = [
  {
    name: 'functions',
    entry: 'functions/index.ts',
    packages: [
      // Is the program that loads the function, and finds what registers with it by being one module only.
      '@google-cloud/functions-framework',
      // Has machine code, for the machine that it is installed on.
      '@node-rs/bcrypt',
    ],
    programs: [],
    files: {},
    // What Cloud Run functions take a source as.
    archive: 'function.zip',
  },
  {
    name: 'worker',
    entry: 'worker/index.ts',
    packages: [],
    programs: ['worker/pack/deflate-thread.ts'],
    files: { nix: ['*.nix', '*.sh'] },
    archive: 'worker.tar.gz',
  },
];

/** What `import.meta.resolve` has to find in the folder: the `imports` of its package.json. */
export function importsOf({ programs, files }: Deployable): Readonly<Record<string, string>> {
  return Object.fromEntries([
    ...Object.keys(files).map(folder => [`#${folder}/*`, `./${folder}/*`] as const),
    ...programs.map(source => [`#${source}`, `./${programName(source)}.mjs`] as const),
  ]);
}

/** What a program's file is called in the folder, without its ending. */
export function programName(source: string): string {
  return basename(source, '.ts');
}
