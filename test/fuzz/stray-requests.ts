// What may come over a connection: requests that are nearly right, and bytes that are nearly a request.
import * as fc from 'fast-check';
import { mutatedRequest, type MutatedRequest } from '#test/functions/registry/mutated-requests.ts';

export type StrayRequest =
  ({ readonly kind: 'request' } & MutatedRequest) | { readonly kind: 'bytes'; readonly bytes: string };

/** Bytes, each a character, with some of them replaced. */
const brokenBytes = fc
  .tuple(mutatedRequest, fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }))
  .map(([{ method, target, headers }, changes]) => {
    const lines = Object.entries({ host: 'localhost', connection: 'close', ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    const text = `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
    return changes.reduce((bytes, [at, code]) => {
      const place = at % bytes.length;
      return bytes.slice(0, place) + String.fromCharCode(code) + bytes.slice(place + 1);
    }, text);
  });

export const strayRequest: fc.Arbitrary<StrayRequest> = fc.oneof(
  { weight: 19, arbitrary: mutatedRequest.map(request => ({ kind: 'request' as const, ...request })) },
  { weight: 1, arbitrary: brokenBytes.map(bytes => ({ kind: 'bytes' as const, bytes })) },
);
