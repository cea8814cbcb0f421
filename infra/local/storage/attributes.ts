// What a client may say about an object: its writable metadata.
import { z } from 'zod';
import type { DeclaredChecksums } from './checksums.ts';
import { invalid, notDone } from './errors.ts';

/** The writable part of an object's resource. What is absent was never set. */
export interface Attributes {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly contentDisposition?: string;
  readonly contentLanguage?: string;
  /** RFC 3339. Once set it can only be moved on: lifecycle rules count from it. */
  readonly customTime?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What an upload says beside its bytes. */
export interface UploadMetadata {
  readonly name?: string;
  readonly attributes: Attributes;
  readonly declared: DeclaredChecksums;
}

/** These become headers of downloads. */
const text = z
  .string()
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'not possible in an HTTP header')
  .nullish();
const key = z.string().regex(/^[\w.-]+$/, 'not possible as the name of an HTTP header');
const patchSchema = z.object({
  contentType: text,
  cacheControl: text,
  contentDisposition: text,
  contentLanguage: text,
  customTime: z.iso.datetime({ offset: true }).nullish(),
  metadata: z.record(key, z.string().nullable()).nullish(),
});
const uploadSchema = patchSchema.extend({
  name: z.string().optional(),
  crc32c: z.string().optional(),
  md5Hash: z.string().optional(),
});

/** Fields that would change what Google does with the object. All others that are not ours are output only, and ignored. */
const REFUSED = [
  'acl',
  'contentEncoding',
  'contexts',
  'eventBasedHold',
  'kmsKeyName',
  'retention',
  'storageClass',
  'temporaryHold',
] as const;

/** Parses the JSON that comes with an upload. */
export function parseUploadMetadata(json: unknown): UploadMetadata {
  const { name, crc32c, md5Hash, ...attributes } = parse(uploadSchema, json);
  return {
    ...(name !== undefined && { name }),
    attributes: patchAttributes({}, attributes),
    declared: { ...(crc32c !== undefined && { crc32c }), ...(md5Hash !== undefined && { md5Hash }) },
  };
}

/** Applies the JSON of a PATCH: null removes a field, or a key of `metadata`. */
export function applyPatch(present: Attributes, json: unknown): Attributes {
  return patchAttributes(present, parse(patchSchema, json));
}

function patchAttributes(present: Attributes, patch: z.infer<typeof patchSchema>): Attributes {
  if (present.customTime !== undefined && patch.customTime !== undefined) {
    if (patch.customTime === null) throw invalid('Custom time cannot be removed once it is set.');
    if (Date.parse(patch.customTime) < Date.parse(present.customTime)) {
      throw invalid('Custom time cannot be set to an earlier time than the present one.');
    }
  }
  const metadata = patch.metadata === null ? {} : withoutNulls({ ...present.metadata, ...patch.metadata });
  return {
    ...withoutNulls({ ...present, ...withoutUndefined(patch), metadata: null }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}

function parse<T>(schema: z.ZodType<T>, json: unknown): T {
  if (typeof json === 'object' && json !== null) {
    const refused = REFUSED.find(field => field in json);
    if (refused !== undefined) throw notDone(`objects with ${refused}`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw invalid(`Invalid object metadata: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

type Present<T> = { [K in keyof T]: NonNullable<T[K]> };

function withoutNulls<T extends object>(fields: T): Present<T> {
  const kept = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(kept) as Present<T>;
}

function withoutUndefined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
