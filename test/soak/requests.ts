// One request of a pull as a container tool sends it, with its answer noted: redirects are the caller's to follow.
import { request, type IncomingMessage } from 'node:http';
import type { History, RequestRecord } from './history.ts';

/** A server that says nothing for so long is taken for gone. Milliseconds. */
const SILENCE_MS = 30_000;

/** What an error answer tells, at most. Characters. */
const TOLD = 600;

export interface Asked {
  readonly pull: number;
  readonly to: RequestRecord['to'];
  readonly what: RequestRecord['what'];
  readonly address: string;
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  readonly namedAt?: number;
}

export interface Answered {
  /** 0: none came. */
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** What came, whole or not. */
  readonly body: Buffer;
  /** Whether all of it came. */
  readonly isWhole: boolean;
}

/** Sends it on a connection of its own. Never fails: what broke is in the answer, and in the history. */
export async function send(history: History, asked: Asked): Promise<Answered> {
  const { pull, to, what, address, namedAt } = asked;
  const beganAt = Date.now();
  const { answered, ending } = await exchange(asked);
  const { status, body, isWhole } = answered;
  const isSuccess = isWhole && status < 400;
  history.note({
    kind: 'request',
    pull,
    to,
    what,
    path: new URL(address).pathname,
    beganAt,
    status: isWhole ? status : 0,
    ...(!isSuccess && { told: isWhole ? body.toString().slice(0, TOLD) : ending }),
    ...(namedAt !== undefined && { namedAt }),
  });
  return answered;
}

function exchange({
  address,
  method = 'GET',
  headers,
}: Asked): Promise<{ answered: Answered; ending: string }> {
  return new Promise(resolve => {
    const chunks: Buffer[] = [];
    let answer: IncomingMessage | undefined;
    const end = (ending: string, isWhole: boolean): void => {
      const body = Buffer.concat(chunks);
      const { statusCode: status = 0, headers: told = {} } = answer ?? {};
      resolve({ answered: { status, headers: told, body, isWhole }, ending });
    };
    const sent = request(address, { method, headers: { ...headers, connection: 'close' }, agent: false });
    sent.setTimeout(SILENCE_MS, () => sent.destroy(new Error('silence')));
    sent.on('error', error => end(error.message, false));
    sent.on('response', response => {
      answer = response;
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', error => end(error.message, false));
      response.on('close', () => end('the answer broke off', response.complete));
    });
    sent.end();
  });
}
