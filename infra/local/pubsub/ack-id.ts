import { randomUUID } from 'node:crypto';
import { fail, status } from '#local/grpc-server.ts';

/** An id that no other lease has, also not one from before a restart. */
export function newAckId(messageId: string): string {
  return `${messageId}:${randomUUID()}`;
}

/**
 * Lets pass what can have come from {@link newAckId}; whether the lease still holds is another question.
 * @throws RpcError INVALID_ARGUMENT
 */
export function checkAckIds(ackIds: readonly string[]): void {
  for (const ackId of ackIds) {
    if (!/^\d+:[\da-f-]{36}$/.test(ackId)) {
      fail(status.INVALID_ARGUMENT, `Invalid ack id (ack_id=${ackId})`);
    }
  }
}
