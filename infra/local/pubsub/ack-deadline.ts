import { fail, status } from '#local/grpc-server.ts';

/** Google's least acknowledgement deadline; tests that wait for one to end take less. */
export const googlesMinimumAckDeadlineSeconds = 10;

/**
 * Lets pass the deadline of a subscription or a stream.
 * @throws RpcError INVALID_ARGUMENT
 */
export function checkAckDeadline(field: string, seconds: number, minimumSeconds: number): void {
  if (seconds < minimumSeconds || seconds > 600) {
    fail(
      status.INVALID_ARGUMENT,
      `${field} must be between ${minimumSeconds} and 600 seconds, not ${seconds}`,
    );
  }
}

/**
 * Lets pass what ModifyAckDeadline may ask for: 0 (give the message back) to 600 seconds.
 * @throws RpcError INVALID_ARGUMENT
 */
export function checkNewDeadline(seconds: number): void {
  checkAckDeadline('ack_deadline_seconds', seconds, 0);
}
