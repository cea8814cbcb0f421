// The two refusals that every part of the stand-in needs.
import { fail, status } from '#local/grpc-server.ts';

/** What Google answers to a request that can never be right. */
export function invalid(message: string): never {
  return fail(status.INVALID_ARGUMENT, message);
}

/** What Google can do and the stand-in cannot: said, never passed over. */
export function unsupported(what: string): never {
  return fail(status.UNIMPLEMENTED, `Derivery's local Firestore does not support ${what}.`);
}
