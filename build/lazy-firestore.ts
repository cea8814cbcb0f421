// Firestore's client imports modules at its load that it needs later, or for what nobody here asks of it; and with them loads gRPC,
// and generated code of more than a megabyte: half of a cold start. In the bundle it finds stand-ins for them, with what it reads
// there and nothing else: gRPC is loaded with the first call, as the client's own comments promise.
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { BuildError } from './build-error.ts';

interface StandIn {
  /** What is imported, as it is written there. */
  readonly module: string;
  /** The file of the client that imports it. */
  readonly importer: string;
  /** How often that file mentions the module's name or binding: more of it, and a new version wants to be looked at. */
  readonly mentions: { readonly pattern: RegExp; readonly count: number };
  readonly content: string;
}

const CLIENT = '/node_modules/@google-cloud/firestore/build/src/';

const STAND_INS: readonly StandIn[] = [
  {
    module: '@google-cloud/firestore-api',
    importer: 'index.js',
    mentions: { pattern: /firestore_api_1\.|require\('@google-cloud\/firestore-api'\)/g, count: 3 },
    // Names of the protocol's types are handed on, which nobody here asks for; of the client before this one there is none.
    content: `
      exports.v1 = { get FirestoreClient() { return require('@google-cloud/firestore-api/client_v1').FirestoreClient; } };
    `,
  },
  {
    module: '@google-cloud/firestore-api/build/src/v1',
    importer: 'telemetry/enabled-trace-util.js',
    mentions: { pattern: /v1_1\./g, count: 1 },
    // For an attribute of traces.
    content: 'exports.FirestoreClient = { port: 443 };',
  },
  {
    module: '../protos/firestore_v1_proto_api',
    importer: 'serializer.js',
    mentions: { pattern: /firestore_v1_proto_api_1\.|\bValue\.fromObject/g, count: 3 },
    content: `exports.google = { firestore: { v1: { Value: { fromObject() { ${leftOut('pipelines')} } } } } };`,
  },
  {
    module: '../protos/firestore_v1_proto_api',
    importer: 'bundle.js',
    mentions: { pattern: /require\('\.\.\/protos|\.BundleElement\b/g, count: 2 },
    content: `exports.firestore = { BundleElement: { fromObject() { ${leftOut('bundles')} } } };`,
  },
];

export const lazyFirestore: Plugin = {
  name: 'lazy-firestore',
  setup(build) {
    build.onResolve({ filter: /firestore/ }, async ({ path, importer, resolveDir, namespace }) => {
      const standIn = STAND_INS.find(one => one.module === path && importer.endsWith(CLIENT + one.importer));
      if (standIn === undefined || namespace !== 'file') return undefined;
      await requireKnown(importer, standIn);
      return {
        path: `${path} of ${standIn.importer}`,
        namespace: 'lazy-firestore',
        pluginData: { standIn, resolveDir },
      };
    });
    build.onLoad({ filter: /.*/, namespace: 'lazy-firestore' }, ({ pluginData }) => {
      const { standIn, resolveDir } = pluginData as { standIn: StandIn; resolveDir: string };
      return { contents: standIn.content, resolveDir };
    });
  },
};

function leftOut(what: string): string {
  return `throw new Error("Firestore's ${what} are left out of this bundle (build/lazy-firestore.ts)");`;
}

/** Another version of the client may read more than is there. */
async function requireKnown(importer: string, { mentions, module }: StandIn): Promise<void> {
  const found = (await readFile(importer, 'utf8')).match(mentions.pattern)?.length ?? 0;
  if (found === mentions.count) return;
  throw new BuildError(
    `${importer.slice(importer.lastIndexOf('@google-cloud'))} reads other things of ${module} than it did: see build/lazy-firestore.ts`,
  );
}
