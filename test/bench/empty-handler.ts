// A function that does nothing: what functions-framework itself takes for a request.
import type { IncomingMessage, ServerResponse } from 'node:http';

export function empty(_request: IncomingMessage, response: ServerResponse): void {
  response.end();
}
