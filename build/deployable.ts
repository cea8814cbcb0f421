// What is deployed: each from a folder of its own, which has all that it needs but Node and the packages it names.

export interface Deployable {
  /** Its folder in dist/. */
  readonly name: 'functions' | 'worker';
  /** Files that Node or functions-framework is given, by the name that each has in the folder: `index` is the main one. */
  readonly entries: Readonly<Record<string, string>>;
  /** Packages that stay outside of the bundle, as dependencies of its package.json. */
  readonly packages: readonly string[];
  /** Folders whose files are read at run time, through `import.meta.resolve('#FOLDER/…')`, and which of them. */
  readonly files: Readonly<Record<string, readonly string[]>>;
  readonly archive: 'function.zip' | 'worker.tar.gz';
}

export const DEPLOYABLES: readonly Deployable[] = [
  {
    name: 'functions',
    entries: { index: 'functions/index.ts' },
    packages: [
      // Is the program that loads the function, and finds what registers with it by being one module only.
      '@google-cloud/functions-framework',
      // Has machine code, for the machine that it is installed on.
      '@node-rs/bcrypt',
    ],
    files: {},
    // What Cloud Run functions take a source as.
    archive: 'function.zip',
  },
  {
    name: 'worker',
    entries: { index: 'worker/index.ts' },
    packages: [],
    files: { nix: ['*.nix', '*.sh'] },
    archive: 'worker.tar.gz',
  },
];
