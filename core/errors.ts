// The closed family of errors: what a client is told, and what a build ends with.
import type { Failure } from './failure.ts';

/** Error codes of the OCI distribution specification, section "Error Codes", and UNKNOWN and UNAVAILABLE of Docker's. */
export type RegistryCode =
  | 'BLOB_UNKNOWN'
  | 'DENIED'
  | 'DIGEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'TOOMANYREQUESTS'
  | 'UNAUTHORIZED'
  | 'UNAVAILABLE'
  | 'UNKNOWN'
  | 'UNSUPPORTED';

/** An answer to a client that is not what it asked for: a status, a code of the specification, and a sentence. */
export class RegistryError extends Error {
  readonly status: number;
  readonly code: RegistryCode;
  readonly headers: Readonly<Record<string, string>>;
  /** An address where more of it can be read; the message has it too. */
  readonly moreAt: string | undefined;

  constructor(
    status: number,
    code: RegistryCode,
    message: string,
    headers: Record<string, string> = {},
    moreAt?: string,
  ) {
    super(message);
    this.name = 'RegistryError';
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.moreAt = moreAt;
  }
}

/** A build that cannot succeed however often it is tried: an answer to the person who pulls. */
export class PermanentError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.name = 'PermanentError';
    this.failure = failure;
  }
}

/** Something that another try may well get past: network, a full disk, a process that was killed. */
export class TransientError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TransientError';
  }
}

/** Configuration that cannot work, said in one line that names the setting and the way out. */
export class ConfigurationError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConfigurationError';
  }
}
