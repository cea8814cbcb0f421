// What a server cannot do without to answer a manifest: it has the bytes, and asks nothing about the request.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MEDIA_TYPES } from '#core/oci.ts';
import { READY_MANIFEST } from './ready-manifest.ts';

const BODY = Buffer.from(READY_MANIFEST);
const HEADERS = { 'content-type': MEDIA_TYPES.manifest, 'content-length': BODY.length };

export function bare(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, HEADERS).end(BODY);
}
