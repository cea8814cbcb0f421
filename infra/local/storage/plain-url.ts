// The plain URL of an object, /BUCKET/OBJECT, as Google's XML API has it: what clients are redirected to.
import type { Attributes } from './attributes.ts';
import { parseGoogHash } from './checksums.ts';
import type { ObjectRecord } from './database.ts';
import { download } from './download.ts';
import { invalid, notDone, StorageError } from './errors.ts';
import { decodePath, type Exchange, type Reply } from './exchange.ts';
import { checkObjectName } from './names.ts';
import { isSigned, type PublicKeyOf, verifySignedUrl } from './signed-url.ts';
import type { Store } from './store.ts';
import { receiveMedia } from './upload.ts';

/** Headers that would change what an upload does. */
const REFUSED = [
  'x-goog-acl',
  'x-goog-copy-source',
  'x-goog-encryption-key',
  'x-goog-resumable',
  'content-encoding',
];

/** Who may read without a signature, and what one is verified with. */
export interface PlainAccess {
  readonly publicKeyOf: PublicKeyOf | undefined;
  readonly publicRead: boolean;
}

/**
 * GET and HEAD of any object, where all are public or through a signed URL, and PUT through a signed URL. A signature that is
 * there is always verified.
 */
export async function answerPlainUrl(
  store: Store,
  exchange: Exchange,
  { publicKeyOf, publicRead }: PlainAccess,
): Promise<Reply> {
  const { method, query } = exchange;
  const [, bucketPart, namePart] = /^\/([^/]+)\/(.+)$/s.exec(exchange.path) ?? [];
  if (bucketPart === undefined || namePart === undefined) throw notDone(`${method} ${exchange.path}`);
  const signed = isSigned(query);
  const others = [...query.keys()].filter(key => !/^x-goog-/i.test(key));
  if (others.length > 0) throw notDone(`the query parameter ${others[0]} of a plain URL`);
  if (signed) {
    if (publicKeyOf === undefined) throw notDone('signed URLs, for it was started without public keys');
    await verifySignedUrl(exchange, store.now(), publicKeyOf);
  }
  const [bucket, name] = [decodePath(bucketPart), decodePath(namePart)];
  switch (method) {
    case 'GET':
    case 'HEAD': {
      if (!signed && !publicRead)
        throw new StorageError(
          403,
          'AccessDenied',
          'Anonymous caller does not have storage.objects.get access.',
        );
      const object = store.object(bucket, name);
      return download(store, exchange, object, etagOf(object));
    }
    case 'PUT':
      if (!signed) throw new StorageError(403, 'AccessDenied', 'A PUT needs a signed URL.');
      return put(store, exchange, bucket, name);
    default:
      throw notDone(`${method} of a plain URL`);
  }
}

async function put(store: Store, exchange: Exchange, bucket: string, name: string): Promise<Reply> {
  const { headers } = exchange;
  checkObjectName(name);
  const refused = REFUSED.find(header => header in headers);
  if (refused !== undefined) throw notDone(`a PUT with the header ${refused}`);
  const object = await receiveMedia(
    store,
    {
      bucket,
      name,
      attributes: attributesOf(exchange),
      declared: {
        ...(headers['content-md5'] !== undefined && { md5Hash: String(headers['content-md5']) }),
        ...parseGoogHash(headers['x-goog-hash']),
      },
      preconditions: generationMatch(headers['x-goog-if-generation-match']),
    },
    exchange.body,
  );
  return {
    status: 200,
    headers: { etag: etagOf(object), 'x-goog-generation': object.generation, 'content-length': 0 },
  };
}

function attributesOf({ headers }: Exchange): Attributes {
  const named = {
    contentType: headers['content-type'],
    cacheControl: headers['cache-control'],
    contentDisposition: headers['content-disposition'],
    contentLanguage: headers['content-language'],
  };
  const custom = Object.entries(headers).filter(([name]) => name.startsWith('x-goog-meta-'));
  const metadata = custom.map(([name, value]) => [name.slice('x-goog-meta-'.length), String(value)]);
  return {
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    ...(custom.length > 0 && { metadata: Object.fromEntries(metadata) as Record<string, string> }),
  };
}

function generationMatch(header: string | string[] | undefined): { generationMatch?: string } {
  if (header === undefined) return {};
  const text = String(header);
  if (!/^\d+$/.test(text)) throw invalid(`Invalid X-Goog-If-Generation-Match: ${text}`);
  return { generationMatch: BigInt(text).toString() };
}

/** The MD5 of the bytes, in hexadecimal: Google's, for objects that were uploaded in one piece. */
function etagOf({ md5Hash }: ObjectRecord): string {
  return `"${Buffer.from(md5Hash, 'base64').toString('hex')}"`;
}
