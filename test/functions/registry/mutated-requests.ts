// Requests that are nearly right: with some pieces of their target put in, taken out or doubled, at places anywhere.
import * as fc from 'fast-check';
import { digestOf } from '#core/digest.ts';

export interface MutatedRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

const digest = digestOf('fuzz');

const SEEDS = [
  '/', '/v2', '/v2/', '/v2/hello/manifests/latest', '/v2/shell/git/manifests/latest?wait=1', '/v2/arm64/a-b/manifests/v1.0',
  `/v2/hello/manifests/${digest}`, `/v2/a/b/blobs/${digest}?ns=docker.io`, '/v2/a/tags/list', '/v2/a/tags/list?n=2&last=b',
  `/v2/a/referrers/${digest}?artifactType=x`, '/v2/_catalog', `http://host:80/v2/a/blobs/${digest}`,
]; // prettier-ignore

const PIECES = [
  '/', '//', '.', '..', '%', '%2f', '%00', '%ff', '?', '&', '=', ':', '@', '"', "'", '$(id)', '`', ';', '\\', '|', '<', '~', '\xe9',
  'A', 'a', '0', '-', '_', '__', '__2f', 'v2', 'manifests', 'blobs', 'tags', 'list', 'referrers', 'latest', 'sha256:', 'wait=', 'n=',
  'last=', 'shell', 'x'.repeat(300),
]; // prettier-ignore

const mutation = fc.record({
  at: fc.nat(1_000),
  cut: fc.nat(3),
  piece: fc.constantFrom('', ...PIECES),
  twice: fc.boolean(),
});

const target = fc
  .tuple(fc.constantFrom(...SEEDS), fc.array(mutation, { maxLength: 4 }))
  .map(([seed, mutations]) =>
    mutations.reduce((text, { at, cut, piece, twice }) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + (twice ? piece + piece : piece) + text.slice(place + cut);
    }, seed),
  )
  .filter(text => text.length > 0);

const method = fc.oneof(
  { weight: 16, arbitrary: fc.constant('GET') },
  { weight: 6, arbitrary: fc.constant('HEAD') },
  { weight: 1, arbitrary: fc.constantFrom('POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PURGE') },
);

/** What clients send, and the same in wrong. */
const HEADERS: Readonly<Record<string, readonly string[]>> = {
  accept: ['application/vnd.oci.image.manifest.v1+json', '*/*', 'nonsense', 'a/b;q=2,,;', 'x'.repeat(2_000)],
  'accept-encoding': ['gzip', 'zstd, br;q=1', '*', 'identity;q=0'],
  authorization: ['Basic eDp5', 'Bearer', 'Bearer a.b.c', '\xff'],
  'if-none-match': ['*', '"a"', `W/"${digest}", "b"`, '"'.repeat(1_000), ',,,'],
  range: ['bytes=0-', 'bytes=5-1', 'bytes=-1', 'bytes=0-1,3-4', 'lines=1'],
  'user-agent': ['docker/28.2.2 go/1.24', 'containerd/2.3.4', 'skopeo/1.9.3', '', '%s%n'],
  host: ['localhost', '', 'a b', '"><script>', '[::1]:80'],
  'x-forwarded-host': ['elsewhere.example.org'],
  'x-http-method-override': ['DELETE'],
};

const headers = fc
  .array(
    fc
      .constantFrom(...Object.entries(HEADERS))
      .chain(([name, values]) => fc.tuple(fc.constant(name), fc.constantFrom(...values))),
    { maxLength: 3 },
  )
  .map(pairs => Object.fromEntries(pairs));

export const mutatedRequest: fc.Arbitrary<MutatedRequest> = fc.record({ method, target, headers });
