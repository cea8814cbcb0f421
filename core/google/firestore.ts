// The connection to Firestore, and what its answers mean.
import { Firestore, Timestamp } from '@google-cloud/firestore';
import { TransientError } from '../errors.ts';

/** One client per process: it keeps its own channels and is cheap until first used. */
export function openFirestore(projectId: string, databaseId: string): Firestore {
  return new Firestore({ projectId, databaseId, ignoreUndefinedProperties: true });
}

// gRPC status codes (google.rpc.Code).
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const FAILED_PRECONDITION = 9;
const ABORTED = 10;
const UNAVAILABLE = 14;

export function isAlreadyExists(error: unknown): boolean {
  return codeOf(error) === ALREADY_EXISTS;
}

/** A preconditioned write that lost against another: what there is to do is to read again. */
export function isLostRace(error: unknown): boolean {
  return isPreconditionFailed(error) || isAborted(error);
}

/** A write whose document is not any more as it was seen: created, changed or deleted meanwhile. */
export function isPreconditionFailed(error: unknown): boolean {
  const code = codeOf(error);
  return code === FAILED_PRECONDITION || code === NOT_FOUND || code === ALREADY_EXISTS;
}

/** A transaction whose documents were others' each time, after its client's own tries. */
export function isAborted(error: unknown): boolean {
  return codeOf(error) === ABORTED;
}

/** Whether a service of Google's could not be reached, after its client's own tries. */
export function isUnreachable(error: unknown): boolean {
  const code = codeOf(error);
  return code === UNAVAILABLE || code === DEADLINE_EXCEEDED;
}

/** Whether an error says that Firestore did not answer, in time or at all. */
export function isSilence(error: unknown): boolean {
  return isUnreachable(error) || error instanceof TransientError;
}

/** The longest that the documents of a pull may take: its client is to hear of it while it still listens. Milliseconds. */
export const READ_LIMIT_MS = 10_000;

/**
 * What `answer` comes to, if that is within so many milliseconds. Throws a {@link TransientError} otherwise: Firestore's client goes
 * on trying for most of a minute, longer than whoever pulls listens.
 */
export async function within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const limit = setTimeout(() => {
    reject(new TransientError(`no answer within ${milliseconds / 1000} s`));
  }, milliseconds).unref();
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(limit);
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** Document data with every timestamp as milliseconds since the epoch, ready for a schema of the domain. */
export function toPlain(value: unknown): unknown {
  if (value instanceof Timestamp) return value.toMillis();
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toPlain(inner)]));
  }
  return value;
}

/** Fields that hold a moment, or a list of them, by their names. */
const MOMENT = /At$|^lastReference$/;

/** The inverse of {@link toPlain}: moments become timestamps, which the console shows as such. */
export function toStored(document: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(document).map(([name, value]) => [name, storedValue(name, value)]),
  );
}

function storedValue(name: string, value: unknown): unknown {
  if (typeof value === 'number' && MOMENT.test(name)) return Timestamp.fromMillis(value);
  if (Array.isArray(value)) return value.map(inner => storedValue(name, inner));
  if (typeof value === 'object' && value !== null) return toStored(value);
  return value;
}
