// What is there when a soak has come to rest: documents, objects, and what workers have left on their disks.
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { toPlain } from '#core/google/firestore.ts';
import { crc32c, formatCrc32c } from '#core/crc32c.ts';
import { BUCKET } from '#local/resources.ts';
import { LOCK } from '#worker/claim-folder.ts';
import type { Plain } from './commits.ts';
import { WORKERS } from './plan.ts';
import type { World } from './world.ts';

export type Collection = ReadonlyMap<string, Plain>;

export interface StoredObject {
  readonly name: string;
  readonly size: number;
  readonly crc32c: string;
  readonly generation: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Of its bytes, where they were read. */
  readonly actual?: { readonly size: number; readonly crc32c: string; readonly digest: string };
}

export interface State {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly images: Collection;
  readonly manifests: Collection;
  readonly blobs: Collection;
  readonly layers: Collection;
  readonly objects: readonly StoredObject[];
}

/** Reads all of it; `hashed`: every object's bytes, too. */
export async function readState(
  { own, services }: World,
  { hashed }: { readonly hashed: boolean },
): Promise<State> {
  const at = Date.now();
  const read = async (name: string): Promise<Collection> => {
    const { docs } = await own.firestore.collection(name).get();
    return new Map(docs.map(document => [document.id, toPlain(document.data()) as Plain]));
  };
  const [images, manifests, blobs, layers] = await Promise.all(
    ['images', 'manifests', 'blobs', 'layers'].map(read),
  );
  if (!images || !manifests || !blobs || !layers) throw new Error('Firestore answered too little');
  return {
    at,
    images,
    manifests,
    blobs,
    layers,
    objects: await readObjects(own.storage, hashed ? `http://127.0.0.1:${services.storage.port}` : undefined),
  };
}

/** `address`: where the bytes are read from, too. */
async function readObjects(
  storage: World['own']['storage'],
  address: string | undefined,
): Promise<StoredObject[]> {
  const [files] = await storage.bucket(BUCKET).getFiles();
  const objects: StoredObject[] = [];
  for (const file of files) {
    const { metadata } = file;
    const object = {
      name: file.name,
      size: Number(metadata.size),
      crc32c: metadata.crc32c ?? '',
      generation: String(metadata.generation),
      createdAt: Date.parse(String(metadata.timeCreated)),
    };
    if (address === undefined) {
      objects.push(object);
      continue;
    }
    // As whoever pulls reads it: at its plain address.
    const answer = await fetch(`${address}/${BUCKET}/${file.name}`);
    // The janitor goes on meanwhile: what it has deleted since it was listed is no object any more.
    if (answer.status === 404) continue;
    if (!answer.ok) throw new Error(`${file.name} cannot be read: ${answer.status} ${await answer.text()}`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    objects.push({ ...object, actual: { size: bytes.length, crc32c: formatCrc32c(crc32c(bytes)), digest } });
  }
  return objects;
}

/** What workers that have ended have left in their spools and roots: nothing, but what is kept for the next. */
export async function leftovers({ folder }: World): Promise<string[]> {
  const KEPT = new Set(['sources', 'known']);
  const left: string[] = [];
  for (const worker of WORKERS) {
    const spool = join(folder, worker, 'spool');
    for (const name of await readdir(spool)) if (!KEPT.has(name)) left.push(join(spool, name));
    left.push(...(await rootsOfBuilds(join(folder, worker, 'nix'))));
  }
  return left;
}

/** What is still kept from Nix's collection for builds. */
async function rootsOfBuilds(store: string): Promise<string[]> {
  const builds = join(store, 'nix/var/nix/gcroots/derivery/builds');
  const claimed = await readdir(builds);
  const roots = await Promise.all(
    claimed.map(async each => (await readdir(join(builds, each))).map(name => join(builds, each, name))),
  );
  return roots.flat().filter(path => basename(path) !== LOCK);
}
