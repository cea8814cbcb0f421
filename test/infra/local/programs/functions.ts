// Functions to be served: an HTTP one that says what it sees, and one for events.
import type { CloudEvent } from '@google-cloud/functions-framework';
import type { IncomingMessage, ServerResponse } from 'node:http';

export function registry({ method, url }: IncomingMessage, response: ServerResponse): void {
  if (url === '/fail') throw new Error('a secret of ours');
  response.end(`${method} ${url}`);
}

export function janitor({ type, data }: CloudEvent<{ message: { data: string } }>): void {
  console.log(`${type} ${Buffer.from(data?.message.data ?? '', 'base64').toString()}`);
}

export const notAFunction = 1;
