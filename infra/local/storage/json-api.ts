// The JSON API: which requests there are, and what each may ask for.
import { z } from 'zod';
import { applyPatch } from './attributes.ts';
import type { ObjectRecord } from './database.ts';
import { download } from './download.ts';
import { invalid, notDone } from './errors.ts';
import { decodePath, type Exchange, json, readJson, type Reply } from './exchange.ts';
import { listObjects } from './list.ts';
import { checkPreconditions, parsePreconditions, PRECONDITION_PARAMETERS } from './preconditions.ts';
import { bucketResource, objectEtag, objectResource } from './resource.ts';
import type { ResumableUploads } from './resumable-upload.ts';
import type { Store } from './store.ts';
import { uploadMedia, uploadMultipart } from './upload.ts';

export interface JsonApi {
  readonly store: Store;
  readonly uploads: ResumableUploads;
}

interface Route {
  readonly method: string;
  /** The path, as a regular expression: decoded groups become the handler's names. */
  readonly path: RegExp;
  /** The query parameters it knows. Others would change the answer, so they are refused. */
  readonly parameters: readonly string[];
  readonly handle: (
    api: JsonApi,
    exchange: Exchange,
    bucket: string,
    object: string,
  ) => Reply | Promise<Reply>;
}

const EVERYWHERE = ['prettyPrint', 'project', 'projection', 'userProject'];

// STORAGE_EMULATOR_HOST makes Google's client drop /storage/v1 from all paths but those of uploads.
const BUCKETS = /^(?:\/storage\/v1)?\/b$/;
const BUCKET = /^(?:\/storage\/v1)?\/b\/([^/]+)$/;
const OBJECTS = /^(?:\/storage\/v1)?\/b\/([^/]+)\/o$/;
const OBJECT = /^(?:(?:\/download)?\/storage\/v1)?\/b\/([^/]+)\/o\/([^/]+)$/;
const UPLOAD = /^(?:\/resumable)?\/upload\/storage\/v1\/b\/([^/]+)\/o$/;

const routes: readonly Route[] = [
  { method: 'POST', path: BUCKETS, parameters: [], handle: createBucket },
  { method: 'GET', path: BUCKETS, parameters: [], handle: listBuckets },
  { method: 'GET', path: BUCKET, parameters: [], handle: getBucket },
  { method: 'DELETE', path: BUCKET, parameters: [], handle: deleteBucket },
  {
    method: 'GET',
    path: OBJECTS,
    parameters: ['prefix', 'delimiter', 'startOffset', 'maxResults', 'pageToken'],
    handle: list,
  },
  { method: 'GET', path: OBJECT, parameters: ['alt', 'generation', ...PRECONDITION_PARAMETERS], handle: get },
  { method: 'PATCH', path: OBJECT, parameters: ['generation', ...PRECONDITION_PARAMETERS], handle: patch },
  {
    method: 'DELETE',
    path: OBJECT,
    // bucket.deleteFiles({ prefix }) of Google's client says the prefix again with each object; it means nothing there.
    parameters: ['generation', 'prefix', ...PRECONDITION_PARAMETERS],
    handle: remove,
  },
  {
    method: 'POST',
    path: UPLOAD,
    parameters: ['uploadType', 'name', 'upload_id', ...PRECONDITION_PARAMETERS],
    handle: upload,
  },
  {
    method: 'PUT',
    path: UPLOAD,
    parameters: ['uploadType', 'name', 'upload_id', ...PRECONDITION_PARAMETERS],
    handle: continueUpload,
  },
  { method: 'DELETE', path: UPLOAD, parameters: ['uploadType', 'name', 'upload_id'], handle: cancelUpload },
];

/** Whether a path is the JSON API's: no bucket can be called `b`, but one called `storage`, `upload` or `download` is hidden. */
export function isJsonApi(path: string): boolean {
  return /^(\/storage\/v1)?\/b(\/|$)|^\/(resumable\/|upload\/|download\/|batch\/?)?(storage|upload)\/v1(\/|$)|^\/batch(\/|$)/.test(
    path,
  );
}

export async function answerJsonApi(api: JsonApi, exchange: Exchange): Promise<Reply> {
  const { method, path, query, headers } = exchange;
  for (const route of routes) {
    const names = route.method === method ? route.path.exec(path) : null;
    if (names === null) continue;
    const unknown = [...query.keys()].find(name => ![...EVERYWHERE, ...route.parameters].includes(name));
    if (unknown !== undefined) throw notDone(`the query parameter ${unknown} of ${method} ${path}`);
    if ('x-goog-encryption-algorithm' in headers) throw notDone('customer-supplied encryption keys');
    return route.handle(api, exchange, decodePath(names[1] ?? ''), decodePath(names[2] ?? ''));
  }
  throw notDone(`${method} ${path}`);
}

/** What a bucket may be created with; it is kept and shown, and changes nothing here. Other fields are refused. */
const newBucketSchema = z.object({
  name: z.string(),
  location: z.string().optional(),
  storageClass: z.literal('STANDARD').optional(),
  iamConfiguration: z.unknown().optional(),
  labels: z.record(z.string(), z.string()).optional(),
});

async function createBucket({ store }: JsonApi, exchange: Exchange): Promise<Reply> {
  const body = await readJson(exchange.body);
  const unknown = Object.keys(Object(body) as object).find(field => !(field in newBucketSchema.shape));
  if (unknown !== undefined) throw notDone(`buckets with ${unknown}`);
  const parsed = newBucketSchema.safeParse(body);
  if (!parsed.success) throw invalid(`Invalid bucket: ${z.prettifyError(parsed.error)}`);
  const { name, ...settings } = parsed.data;
  return json(200, bucketResource(store.createBucket(name, settings), exchange.origin));
}

function listBuckets({ store }: JsonApi, exchange: Exchange): Reply {
  const items = store.database.buckets().map(bucket => bucketResource(bucket, exchange.origin));
  return json(200, { kind: 'storage#buckets', items });
}

function getBucket({ store }: JsonApi, exchange: Exchange, bucket: string): Reply {
  return json(200, bucketResource(store.bucket(bucket), exchange.origin));
}

function deleteBucket({ store }: JsonApi, _exchange: Exchange, bucket: string): Reply {
  store.deleteBucket(bucket);
  return { status: 204 };
}

function list({ store }: JsonApi, exchange: Exchange, bucket: string): Reply {
  const { items, prefixes, nextPageToken } = listObjects(store, bucket, exchange.query);
  return json(200, {
    kind: 'storage#objects',
    ...(nextPageToken !== undefined && { nextPageToken }),
    ...(prefixes.length > 0 && { prefixes }),
    items: items.map(object => objectResource(object, exchange.origin)),
  });
}

/** The object that a request is about, its preconditions met. */
function wanted(store: Store, exchange: Exchange, bucket: string, name: string): ObjectRecord {
  const generation = exchange.query.get('generation');
  if (generation !== null && !/^\d+$/.test(generation)) throw invalid(`Invalid generation: ${generation}`);
  const object = store.object(bucket, name, generation);
  const access = exchange.method === 'GET' ? 'read' : 'write';
  checkPreconditions(parsePreconditions(exchange.query), object, access);
  return object;
}

function get({ store }: JsonApi, exchange: Exchange, bucket: string, name: string): Reply {
  const object = wanted(store, exchange, bucket, name);
  const alt = exchange.query.get('alt') ?? 'json';
  if (alt === 'media') return download(store, exchange, object, objectEtag(object));
  if (alt !== 'json') throw notDone(`alt=${alt}`);
  return json(200, objectResource(object, exchange.origin));
}

async function patch({ store }: JsonApi, exchange: Exchange, bucket: string, name: string): Promise<Reply> {
  const change = await readJson(exchange.body);
  const object = wanted(store, exchange, bucket, name);
  const updated = store.update(object, applyPatch(object.attributes, change));
  return json(200, objectResource(updated, exchange.origin));
}

function remove({ store }: JsonApi, exchange: Exchange, bucket: string, name: string): Reply {
  store.delete(wanted(store, exchange, bucket, name));
  return { status: 204 };
}

async function upload(api: JsonApi, exchange: Exchange, bucket: string): Promise<Reply> {
  const type = exchange.query.get('uploadType');
  switch (type) {
    case 'resumable':
      return exchange.query.has('upload_id')
        ? continueUpload(api, exchange)
        : api.uploads.begin(bucket, exchange);
    case 'multipart':
      return json(200, objectResource(await uploadMultipart(api.store, bucket, exchange), exchange.origin));
    case 'media':
      return json(200, objectResource(await uploadMedia(api.store, bucket, exchange), exchange.origin));
    default:
      throw invalid(`Invalid value for uploadType: ${type}`);
  }
}

async function continueUpload({ uploads }: JsonApi, exchange: Exchange): Promise<Reply> {
  const result = await uploads.continue(uploadId(exchange), exchange);
  return 'status' in result ? result : json(200, objectResource(result, exchange.origin));
}

function cancelUpload({ uploads }: JsonApi, exchange: Exchange): Promise<Reply> {
  return uploads.cancel(uploadId(exchange));
}

function uploadId({ query }: Exchange): string {
  const id = query.get('upload_id');
  if (id === null) throw invalid('Required parameter: upload_id');
  return id;
}
