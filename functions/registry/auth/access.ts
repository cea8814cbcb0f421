// Who may pull.
import type { IncomingMessage } from 'node:http';
import type { Answer } from '../answer.ts';
import type { AnonymousCaller, Caller } from '../caller.ts';
import type { RepositoryName } from '#core/reference.ts';

/** Decides of each request below `/v2/` whose it is, and gives out tokens. */
export interface Access {
  /**
   * Whom a request is from. Throws a RegistryError: 401, with what the client has to do, where that has to be told first.
   * `repository`: what it is about, if anything. Without a promise where nobody is asked, so that what is at hand can be answered
   * in the same turn.
   */
  readonly callerOf: (
    request: IncomingMessage,
    repository: RepositoryName | undefined,
  ) => AnonymousCaller | Promise<Caller>;
  /** `GET|POST /token`. Throws a RegistryError. */
  readonly token: (request: IncomingMessage) => Promise<Answer>;
}
