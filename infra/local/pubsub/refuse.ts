import { fail, status } from '#local/grpc-server.ts';

/**
 * Refuses a request that asks for what this stand-in does not do: `unused` has an entry per feature, true where it
 * is asked for. A feature that is silently ignored would pass here and fail at Google.
 * @throws RpcError UNIMPLEMENTED, naming the feature
 */
export function refuse(unused: Readonly<Record<string, boolean>>): void {
  for (const [feature, asked] of Object.entries(unused)) {
    if (asked) fail(status.UNIMPLEMENTED, `The local Pub/Sub does not support ${feature}.`);
  }
}

/** Whether a map or list on the wire has anything in it. */
export function isGiven(value: object): boolean {
  return Object.keys(value).length > 0;
}
