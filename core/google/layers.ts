// `layers/{layerKey}`: what each layer became. The first fact stands, for as long as its blob does.
import type { Firestore } from '@google-cloud/firestore';
import type { Digest } from '../digest.ts';
import { layerFactSchema, type LayerFact, type LayerKey } from '../layer.ts';
import { isAlreadyExists } from './firestore.ts';

/** Store paths of a layer whose hashes its fact has: a document takes 1 MiB, and only people look at them. */
const HASHES_KEPT = 10_000;

export type Layers = ReturnType<typeof openLayers>;

export function openLayers(firestore: Firestore) {
  const collection = firestore.collection('layers');

  async function readAll(keys: readonly LayerKey[]): Promise<Map<LayerKey, LayerFact>> {
    const facts = new Map<LayerKey, LayerFact>();
    if (keys.length === 0) return facts;
    const snapshots = await firestore.getAll(...keys.map(key => collection.doc(key)));
    for (const [index, key] of keys.entries()) {
      const data = snapshots[index]?.data();
      if (data !== undefined) facts.set(key, layerFactSchema.parse(data));
    }
    return facts;
  }

  return {
    /** The facts that are known, in one round trip. */
    readAll,

    /** Records what a layer became, once its blob is stored; answers the fact that stands, which may be another worker's. */
    async record(key: LayerKey, fact: LayerFact, narHashes: readonly string[]): Promise<LayerFact> {
      try {
        await collection.doc(key).create({ ...fact, narHashes: narHashes.slice(0, HASHES_KEPT) });
        return fact;
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        return (await readAll([key])).get(key) ?? fact;
      }
    },

    /** Forgets all layers that became this blob, which is not to be had any more: they are packed again. */
    async forget(digest: Digest): Promise<void> {
      const { docs } = await collection.where('digest', '==', digest).get();
      await Promise.all(docs.map(({ ref }) => ref.delete()));
    },
  };
}
