// Uploads in one request: the bytes alone (media), or metadata and bytes (multipart).
import type { ObjectRecord } from './database.ts';
import { invalid } from './errors.ts';
import { type Exchange, parseJson } from './exchange.ts';
import { parseUploadMetadata, type Attributes } from './attributes.ts';
import { type DeclaredChecksums, parseGoogHash } from './checksums.ts';
import { readMultipart } from './multipart.ts';
import { checkObjectName } from './names.ts';
import { parsePreconditions } from './preconditions.ts';
import type { NewObject, Store } from './store.ts';

/** Receives an object whose bytes are the request's body, straight to disk. */
export async function receiveMedia(
  store: Store,
  target: NewObject,
  body: AsyncIterable<Buffer>,
): Promise<ObjectRecord> {
  store.checkWritable(target);
  const file = store.newFile();
  try {
    const spool = await store.createSpool(file);
    await spool.append(body);
    return store.commit(target, file, spool);
  } catch (error) {
    store.deleteFile(file);
    throw error;
  }
}

/** `uploadType=media`. */
export function uploadMedia(store: Store, bucket: string, exchange: Exchange): Promise<ObjectRecord> {
  const contentType = exchange.headers['content-type'];
  const attributes = contentType === undefined ? {} : { contentType };
  return receiveMedia(store, newObject(bucket, undefined, attributes, {}, exchange), exchange.body);
}

/** `uploadType=multipart`: the metadata as JSON, then the bytes. */
export async function uploadMultipart(
  store: Store,
  bucket: string,
  exchange: Exchange,
): Promise<ObjectRecord> {
  const { metadata, media } = await readMultipart(exchange.headers['content-type'], exchange.body);
  const { name, attributes, declared } = parseUploadMetadata(parseJson(metadata));
  const contentType = attributes.contentType ?? media.contentType;
  const typed = contentType === undefined ? attributes : { ...attributes, contentType };
  const target = newObject(bucket, name, typed, declared, exchange);
  return receiveMedia(store, target, media.bytes);
}

/** What the parameters and headers of an upload say, over what its metadata said. */
export function newObject(
  bucket: string,
  nameInMetadata: string | undefined,
  attributes: Attributes,
  declared: DeclaredChecksums,
  { query, headers }: Exchange,
): NewObject {
  const name = query.get('name') ?? nameInMetadata;
  if (name === undefined) throw invalid('Required parameter: name');
  checkObjectName(name);
  return {
    bucket,
    name,
    attributes,
    declared: { ...declared, ...parseGoogHash(headers['x-goog-hash']) },
    preconditions: parsePreconditions(query),
  };
}
