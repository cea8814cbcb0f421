// Manifests as clients need them: exact bytes and lengths, digests, and what caches may do with them.
import { expect, type Checks } from '../check.ts';
import { COMPRESSIBLE, type WholeReply } from '../exchange.ts';
import type { ImageToPull } from '../image.ts';
import type { Pulled } from '../pull.ts';
import type { Registry } from '../registry.ts';

const CHANGED =
  'Something before the registry changes its answers: switch off compression and rewriting for it (compression_mode = "DISABLED" of a backend service).';

export async function checkManifests(
  checks: Checks,
  registry: Registry,
  { name, tag }: ImageToPull,
  pulled: Pulled,
): Promise<void> {
  const byTag = `/v2/${name}/manifests/${tag}`;
  const byDigest = `/v2/${name}/manifests/${pulled.digest}`;
  const { mediaType } = pulled.document;

  function requireSame({ headers, body }: WholeReply, target: string): void {
    expect(
      headers['content-encoding'] === undefined,
      `${target} comes with Content-Encoding ${headers['content-encoding'] ?? ''}`,
    );
    expect(
      body.equals(pulled.bytes),
      `${target} has other bytes than were pulled`,
      byTag === target ? 'It was made anew meanwhile: run this again.' : undefined,
    );
    expect(
      headers['content-length'] === String(body.length),
      `${target} has ${body.length} bytes, and says ${headers['content-length'] ?? 'nothing'}`,
    );
    expect(
      headers['docker-content-digest'] === pulled.digest,
      `${target} says the digest ${headers['docker-content-digest'] ?? 'nowhere'}`,
    );
    expect(
      headers['content-type'] === mediaType,
      `${target} is ${headers['content-type'] ?? 'of no type'}, and inside ${mediaType}`,
    );
  }

  await checks.run('GET of a manifest', CHANGED, async () => {
    for (const target of [byTag, byDigest]) {
      const reply = await registry.send(target, { headers: COMPRESSIBLE });
      expect(reply.status === 200, `${target} is answered ${reply.status}`);
      requireSame(reply, target);
    }
    return {
      says: `by tag and digest ${pulled.bytes.length} bytes, which are their digest's, not compressed`,
      value: undefined,
    };
  });

  await checks.run(
    'HEAD of a manifest',
    'The front end strips Content-Length from answers to HEAD: settings = { DERIVERY_HEAD_DIGEST = "withheld" }.',
    async () => {
      const lengths = [];
      for (const target of [byTag, byDigest]) {
        const { status, headers } = await registry.send(target, { method: 'HEAD' });
        expect(status === 200, `${target} is answered ${status}`);
        lengths.push(headLength(headers, pulled));
      }
      const [length = ''] = lengths;
      expect(lengths[1] === length, `by tag it says ${length}, by digest ${lengths[1] ?? ''}`);
      return { says: length, value: undefined };
    },
  );

  await checks.run('caching of manifests', CHANGED, async () => {
    const said = [];
    for (const [target, directive] of [
      [byTag, 'no-cache'],
      [byDigest, 'immutable'],
    ] as const) {
      const { headers } = await registry.send(target, { method: 'HEAD' });
      const directives = (headers['cache-control'] ?? '').split(/ *, */);
      for (const needed of [directive, 'no-transform']) {
        expect(
          directives.includes(needed),
          `${target}: Cache-Control is "${directives.join(', ')}", without ${needed}`,
        );
      }
      said.push(directives.join(', '));
    }
    const { status } = await registry.send(byDigest, { headers: { 'if-none-match': `"${pulled.digest}"` } });
    expect(status === 304, `who has a manifest already is answered ${status}, not 304`);
    return { says: `by tag "${said[0]}", by digest "${said[1]}"; 304 for who has it`, value: undefined };
  });
}

/** What HEAD says of the length. docker and containerd take it for an error where one of the two is there without the other. */
function headLength(headers: WholeReply['headers'], { bytes, digest }: Pulled): string {
  const [length, says] = [headers['content-length'], headers['docker-content-digest']];
  if (says === undefined) {
    return length === String(bytes.length)
      ? 'its digest is withheld, and its length is there: DERIVERY_HEAD_DIGEST = "sent" would do'
      : 'its digest is withheld: clients go by GET';
  }
  expect(says === digest, `it says the digest ${says}, not ${digest}`);
  expect(length === String(bytes.length), `Content-Length is ${length ?? 'missing'}, not ${bytes.length}`);
  return `says ${length} bytes and the digest`;
}
