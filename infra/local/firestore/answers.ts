// Documents as they go over the wire.
import { toTimestamp } from './clock.ts';
import { NAME_PATH, parseFieldPath, selectFields, type FieldPath } from './field-paths.ts';
import type { StoredDocument } from './version.ts';
import type * as wire from './wire.ts';

/** The fields that a request wants to see; absent: all. */
export type Mask = readonly FieldPath[] | undefined;

export function parseMask(paths: readonly (string | undefined)[] | undefined): Mask {
  return paths?.filter(path => path !== NAME_PATH).map(parseFieldPath);
}

export function toWireDocument(
  { name, fields, createTime, updateTime }: StoredDocument,
  mask?: Mask,
): wire.Document {
  return {
    name,
    fields: mask ? selectFields(fields, mask) : fields,
    createTime: toTimestamp(createTime),
    updateTime: toTimestamp(updateTime),
  };
}
