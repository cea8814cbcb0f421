import { fail, status } from '#local/grpc-server.ts';

/** What a subscription's topic is called once that topic was deleted (Pub/Sub API, Subscription.topic). */
export const deletedTopic = '_deleted-topic_';

/**
 * Checks the name of a resource that is about to be created: `projects/PROJECT/topics/ID`. The ID has 3 to 255
 * characters, starts with a letter and not with "goog" (Pub/Sub resource names, "Guidelines to name a topic").
 * @throws RpcError INVALID_ARGUMENT
 */
export function checkResourceName(kind: 'topics' | 'subscriptions', name: string): void {
  const [, id] = new RegExp(`^projects/[^/]+/${kind}/([A-Za-z][\\w.~+%-]{2,254})$`).exec(name) ?? [];
  if (id === undefined || id.toLowerCase().startsWith('goog')) {
    fail(status.INVALID_ARGUMENT, `Invalid [${kind}] name: (name=${name})`);
  }
}

/** `projects/p/subscriptions/s` in parts. */
export function partsOf(name: string): { readonly project: string; readonly id: string } {
  const [, project = '', , id = ''] = name.split('/');
  return { project, id };
}
