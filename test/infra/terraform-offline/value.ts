// Values as Terraform sends them: MessagePack, in which what is known only after apply is an extension.
import { decode, encode, ExtData } from '@msgpack/msgpack';
import type { Block, NestedBlock } from './schema.ts';

/** The attributes and blocks of a resource, or of a block in it. */
export type Fields = Readonly<Record<string, unknown>>;

export interface DynamicValue {
  readonly msgpack?: Uint8Array;
  readonly json?: Uint8Array;
}

export const UNKNOWN = new ExtData(0, new Uint8Array(1));

/** Unknown, or unknown but for what Terraform knows of it already. */
export function isUnknown(value: unknown): boolean {
  return value instanceof ExtData;
}

export function isAbsent(value: unknown): boolean {
  return value === null || value === undefined;
}

/** Null where there is no such thing: before it is created, after it is deleted. */
export function readValue({ msgpack, json }: DynamicValue): Fields | null {
  if (msgpack !== undefined && msgpack.length > 0) return decode(msgpack) as Fields | null;
  return JSON.parse(Buffer.from(json ?? []).toString()) as Fields | null;
}

export function writeValue(value: Fields | null): DynamicValue {
  return { msgpack: encode(value) };
}

/** Where a nested block stands. */
export interface Place {
  readonly name: string;
  readonly index: string | number;
  readonly mode: NestedBlock['nesting_mode'];
}

/** The nested blocks of `fields`, each object in them replaced by what `convert` makes of it. */
export function mapBlocks(
  block: Block,
  fields: Fields,
  convert: (block: Block, fields: Fields, place: Place) => Fields,
): Fields {
  const converted: Record<string, unknown> = {};
  for (const [name, { block: inner, nesting_mode: mode }] of Object.entries(block.block_types)) {
    const nested = fields[name];
    if (isAbsent(nested) || isUnknown(nested)) continue;
    const one = (value: unknown, index: string | number): unknown =>
      isAbsent(value) || isUnknown(value) ? value : convert(inner, value as Fields, { name, index, mode });
    converted[name] = Array.isArray(nested) ? nested.map(one) : one(nested, 0);
  }
  return converted;
}
