import { isGiven, refuse } from './refuse.ts';
import { checkResourceName } from './resource-name.ts';
import type { WireTopic } from './wire.ts';

export interface TopicSettings {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Reads a topic to be created.
 * @throws RpcError INVALID_ARGUMENT for a bad name, UNIMPLEMENTED for features that are not there
 */
export function parseTopic(wire: WireTopic): TopicSettings {
  checkResourceName('topics', wire.name);
  refuse({
    'message storage policies': wire.messageStoragePolicy !== null,
    'customer-managed keys': wire.kmsKeyName !== '',
    schemas: wire.schemaSettings !== null,
    'message retention on topics': wire.messageRetentionDuration !== null,
    'ingestion into topics': wire.ingestionDataSourceSettings !== null,
    'message transforms': isGiven(wire.messageTransforms),
    'tags on topics': isGiven(wire.tags),
  });
  return { name: wire.name, labels: wire.labels };
}
