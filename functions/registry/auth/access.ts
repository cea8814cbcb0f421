// Who may pull.
import type { IncomingMessage } from 'node:http';
import type { Answer } from '../answer.ts';
import type { Caller } from '../caller.ts';
import type { RepositoryName } from '#core/reference.ts';

/** Decides of each request below `/v2/` whose it is, and gives out tokens. */
export interface Access {
  /**
   * Whom a request is from. Throws a RegistryError: 401, with what the client has to do, where that has to be told first.
   * `repository`: what it is about, if anything.
   */
  readonly callerOf: (request: IncomingMessage, repository: RepositoryName | undefined) => Promise<Caller>;
  /** `GET|POST /token`. Throws a RegistryError. */
  readonly token: (request: IncomingMessage) => Promise<Answer>;
}
