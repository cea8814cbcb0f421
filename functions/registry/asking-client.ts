// Who asks, and how often it has been sent on.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { patienceOf, type ClientPatience } from './client-patience.ts';
import type { Hop, Hops } from './hop.ts';

/**
 * All of it is made when somebody first looks, which nobody does for an answer that is at hand: under functions-framework, whose
 * domains watch all that is asynchronous, it would cost more than the answer.
 */
export class AskingClient {
  readonly headers: IncomingHttpHeaders;
  readonly #response: ServerResponse;
  readonly #readHop: () => Hop;
  #hop: Hop | undefined;
  #patience: ClientPatience | undefined;
  #gone: AbortSignal | undefined;

  /** `target`: the request's, in origin form. */
  constructor({ headers }: IncomingMessage, response: ServerResponse, target: string, hops: Hops) {
    this.headers = headers;
    this.#response = response;
    this.#readHop = () => hops.parse(target);
  }

  get hop(): Hop {
    return (this.#hop ??= this.#readHop());
  }

  get patience(): ClientPatience {
    return (this.#patience ??= patienceOf(this.headers['user-agent']));
  }

  /** Aborted when it has left: what it waited for goes on. */
  get gone(): AbortSignal {
    return (this.#gone ??= goneSignal(this.#response));
  }
}

function goneSignal(response: ServerResponse): AbortSignal {
  if (response.destroyed) return AbortSignal.abort();
  const leaving = new AbortController();
  response.once('close', () => leaving.abort());
  return leaving.signal;
}
