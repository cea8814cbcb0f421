// The schema of hashicorp/google 6.50.0, for the types that are in google-schema.json.
import { readFileSync } from 'node:fs';

/** A type as Terraform writes it in JSON: `"string"`, `["list", "string"]`, … */
export type AttributeType = string | readonly [string, unknown];

export interface Attribute {
  readonly type: AttributeType;
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly computed?: boolean;
  readonly sensitive?: boolean;
  /** Sent when something is applied, and in neither plan nor state. */
  readonly write_only?: boolean;
  /** The values that the provider's documentation lists. */
  readonly enum?: readonly string[];
}

export interface Block {
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly block_types: Readonly<Record<string, NestedBlock>>;
}

export interface NestedBlock {
  readonly nesting_mode: 'single' | 'list' | 'set' | 'map';
  readonly block: Block;
  readonly min_items?: number;
  readonly max_items?: number;
}

interface ProviderSchema {
  readonly provider: Block;
  readonly resource_schemas: Readonly<Record<string, Block>>;
  readonly data_source_schemas: Readonly<Record<string, Block>>;
}

/** Of tfplugin6's `Schema.NestedBlock.NestingMode`. */
const NESTING = { single: 1, list: 2, set: 3, map: 4 };

export const schema = JSON.parse(
  readFileSync(new URL('google-schema.json', import.meta.url), 'utf8'),
) as ProviderSchema;

export function resourceBlock(type: string): Block {
  return known(schema.resource_schemas[type], type);
}

export function dataSourceBlock(type: string): Block {
  return known(schema.data_source_schemas[type], type);
}

function known(block: Block | undefined, type: string): Block {
  if (block === undefined) throw new Error(`${type} is not in google-schema.json`);
  return block;
}

/** The answer to GetProviderSchema. */
export function schemaMessage(): object {
  return {
    provider: { block: blockMessage(schema.provider) },
    resource_schemas: schemaMessages(schema.resource_schemas),
    data_source_schemas: schemaMessages(schema.data_source_schemas),
    server_capabilities: { get_provider_schema_optional: true },
  };
}

function schemaMessages(blocks: Readonly<Record<string, Block>>): object {
  return Object.fromEntries(
    Object.entries(blocks).map(([type, block]) => [type, { block: blockMessage(block) }]),
  );
}

function blockMessage(block: Block): object {
  return {
    attributes: Object.entries(block.attributes).map(([name, attribute]) => ({
      ...attribute,
      name,
      type: Buffer.from(JSON.stringify(attribute.type)),
    })),
    block_types: Object.entries(block.block_types).map(
      ([name, { block: inner, nesting_mode, ...limits }]) => ({
        type_name: name,
        nesting: NESTING[nesting_mode],
        block: blockMessage(inner),
        ...limits,
      }),
    ),
  };
}
