// Objects and buckets as the JSON API shows them.
import type { BucketRecord, ObjectRecord } from './database.ts';

/** An object's resource (https://cloud.google.com/storage/docs/json_api/v1/objects#resource). */
export function objectResource(object: ObjectRecord, origin: string): object {
  const { bucket, name, generation, metageneration, created, updated, attributes } = object;
  const path = `storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`;
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    selfLink: `${origin}/${path}`,
    mediaLink: `${origin}/download/${path}?generation=${generation}&alt=media`,
    name,
    bucket,
    generation,
    metageneration: String(metageneration),
    ...attributes,
    storageClass: 'STANDARD',
    size: String(object.size),
    md5Hash: object.md5Hash,
    crc32c: object.crc32c,
    etag: objectEtag(object),
    timeCreated: created,
    updated,
    timeStorageClassUpdated: created,
    timeFinalized: created,
  };
}

/** Changes with the bytes and with the metadata. (Plain URLs have another: the MD5 of the bytes.) */
export function objectEtag({ generation, metageneration }: ObjectRecord): string {
  return Buffer.from(`${generation}/${metageneration}`).toString('base64');
}

export function bucketResource({ name, created, settings }: BucketRecord, origin: string): object {
  return {
    kind: 'storage#bucket',
    id: name,
    selfLink: `${origin}/storage/v1/b/${name}`,
    name,
    location: 'US',
    storageClass: 'STANDARD',
    ...settings,
    metageneration: '1',
    timeCreated: created,
    updated: created,
    etag: 'CAE=',
  };
}
