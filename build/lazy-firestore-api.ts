// Firestore's client names its generated half at its load only to hand parts of it on, and with that loads gRPC and a megabyte of
// generated code: half of a cold start, for what the first /v2/ does not need. In the bundle that half is loaded with the
// first call, as the client's own comments promise; and of it the client for data, which is the one in use.
import type { Plugin } from 'esbuild';

const NAMES = /^@google-cloud\/firestore-api(?:\/build\/src\/v1)?$/;

/** What the client reads of both of these modules. */
const LAZY = `
const v1 = {
  get FirestoreClient() {
    return require('@google-cloud/firestore-api/client_v1').FirestoreClient;
  },
};
module.exports = { v1, get FirestoreClient() { return v1.FirestoreClient; } };
`;

export const lazyFirestoreApi: Plugin = {
  name: 'lazy-firestore-api',
  setup(build) {
    build.onResolve({ filter: NAMES }, ({ importer, resolveDir }) =>
      importer.includes('/node_modules/@google-cloud/firestore/')
        ? { path: '@google-cloud/firestore-api', namespace: 'lazy', pluginData: resolveDir }
        : undefined,
    );
    build.onLoad({ filter: NAMES, namespace: 'lazy' }, ({ pluginData }) => ({
      contents: LAZY,
      resolveDir: String(pluginData),
    }));
  },
};
