// Blobs: HEAD is answered here, GET is sent on to Cloud Storage, which has to do the rest.
import { CheckError, expect, NothingToCheck, type Checks } from '../check.ts';
import type { Descriptor } from '../documents.ts';
import { COMPRESSIBLE, measure, send } from '../exchange.ts';
import { seconds } from '../pull.ts';
import type { Registry } from '../registry.ts';

/** A download has to begin while the address works; slow clients begin late. Seconds. */
const LEAST_LIFETIME = 900;

const STORAGE = 'Look at the bucket of blobs, and at DERIVERY_BLOB_URL.';

export async function checkBlobs(
  checks: Checks,
  registry: Registry,
  name: string,
  config: Descriptor,
): Promise<void> {
  const target = `/v2/${name}/blobs/${config.digest}`;

  await checks.run(
    'HEAD of a blob',
    'Something before the registry changes answers to HEAD. docker and podman do without; oras does not.',
    async () => {
      const { status, headers } = await registry.send(target, { method: 'HEAD' });
      expect(status === 200, `${target} is answered ${status}`);
      expect(
        headers['content-length'] === String(config.size),
        `Content-Length is ${headers['content-length'] ?? 'missing'}, not ${config.size}`,
      );
      expect(
        headers['docker-content-digest'] === config.digest,
        `its digest is ${headers['docker-content-digest'] ?? 'missing'}`,
      );
      expect(headers['accept-ranges'] === 'bytes', 'there is no Accept-Ranges: bytes');
      return { says: `says ${config.size} bytes and the digest`, value: undefined };
    },
  );

  const address = await checks.run('GET of a blob', STORAGE, async () => {
    const value = await blobAddress(registry, target);
    return { says: `is sent on to ${value.host}, without credentials`, value };
  });
  if (address === undefined) return;

  await checks.run(
    'signed addresses',
    'Look whether the registry may sign (roles/iam.serviceAccountTokenCreator on itself), and that nobody else may read the bucket.',
    async () => {
      const lifetime = Number(address.searchParams.get('X-Goog-Expires') ?? NaN);
      if (Number.isNaN(lifetime))
        throw new NothingToCheck('the bucket is public: whoever knows a digest reads it');
      expect(
        lifetime >= LEAST_LIFETIME,
        `they work for ${lifetime} s only`,
        'Raise DERIVERY_TOMBSTONE_HOURS: it bounds how long addresses work.',
      );
      const unsigned = await send(new URL(address.pathname, address.origin));
      expect(
        unsigned.status === 401 || unsigned.status === 403,
        `without its signature the address is answered ${unsigned.status}`,
      );
      return { says: `work for ${lifetime / 60} min, and nobody reads without`, value: undefined };
    },
  );

  await checks.run('part of a blob', STORAGE, async () => {
    const { status, headers, body } = await send(address, { headers: { range: 'bytes=1-9' } });
    expect(
      status === 206 && headers['content-range'] === `bytes 1-9/${config.size}` && body.length === 9,
      `bytes 1 to 9 are answered ${status}, Content-Range ${headers['content-range'] ?? 'missing'}, ${body.length} bytes: downloads that broke off cannot go on`,
    );
    return { says: '206 with its Content-Range: downloads that break off go on', value: undefined };
  });

  await checks.run(
    'bucket',
    'Whoever lists the bucket knows all digests: take allUsers out of roles that list (objectViewer).',
    async () => {
      if (address.hostname !== 'storage.googleapis.com')
        throw new NothingToCheck(`${address.hostname} is not Cloud Storage's own address`);
      const [, bucket = ''] = address.pathname.split('/');
      const { status } = await send(new URL(`/${bucket}`, address));
      expect(status === 401 || status === 403, `${bucket} answers ${status} to whoever lists it`);
      return { says: `${bucket} cannot be listed`, value: undefined };
    },
  );
}

/** Where a blob's bytes are. Throws a CheckError where clients would not get them, or would send credentials along. */
async function blobAddress(registry: Registry, target: string): Promise<URL> {
  const { status, headers } = await registry.send(target);
  const { location } = headers;
  expect(
    status === 307 && location !== undefined && URL.canParse(location),
    `${target} is answered ${status}, to ${location ?? 'nowhere'}`,
  );
  const address = new URL(location);
  const { base } = registry;
  expect(address.protocol === base.protocol, `it is sent on from ${base.protocol} to ${address.protocol}`);
  expect(
    !address.pathname.includes('/v2/'),
    `docker sends its credentials to ${location}, since that has /v2/ in it`,
  );
  expect(
    address.host !== base.host && !address.hostname.endsWith(`.${base.hostname}`),
    `clients send their credentials to ${address.host}, since it is below ${base.host}`,
  );
  expect(
    headers['cache-control']?.includes('no-store') === true,
    `the redirect may be cached: Cache-Control is ${headers['cache-control'] ?? 'missing'}`,
    'Something before the registry changes Cache-Control, or caches: switch that off for the registry.',
  );
  return address;
}

/** Fetches all blobs as a client does, one after the other, and looks that each is what its digest says. */
export async function fetchBlobs(
  registry: Registry,
  name: string,
  blobs: readonly Descriptor[],
): Promise<string> {
  const begin = performance.now();
  let total = 0;
  for (const { digest, size } of blobs) {
    const address = await blobAddress(registry, `/v2/${name}/blobs/${digest}`);
    const got = await measure(address, { limitMs: 600_000, limitBytes: size, headers: COMPRESSIBLE });
    if (got.status !== 200) throw new CheckError(`${digest} is answered ${got.status} by ${address.host}`);
    expect(
      got.headers['content-encoding'] === undefined,
      `${digest} comes with Content-Encoding ${got.headers['content-encoding'] ?? ''}`,
    );
    expect(
      got.bytes === size && got.digest === digest,
      `${digest} has ${got.bytes} bytes of ${got.digest}, not ${size}`,
    );
    total += size;
  }
  return `${blobs.length} blobs of ${(total / 1e6).toFixed(1)} MB in ${seconds(performance.now() - begin)}, each what its digest says`;
}
