// Whom the registry takes us for: found by using up a limit, whose text names the address that was counted.
import { BlockList, isIP } from 'node:net';
import { expect, NothingToCheck, type Checks } from '../check.ts';
import { errorOf } from '../documents.ts';
import type { WholeReply } from '../exchange.ts';
import type { ImageToPull } from '../image.ts';
import type { Registry } from '../registry.ts';

/** More than an instance lets an address have in a minute, by default. */
const REQUESTS = 1_200;

const AT_A_TIME = 16;

/** An address that is nobody's (RFC 5737): what we claim to come from. */
const FORGED = '203.0.113.7';

/** Addresses that nobody on the internet has: a proxy's, or this machine's. */
const INSIDE = new BlockList();
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  INSIDE.addSubnet(network, bits, 'ipv4');
}
for (const [network, bits] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  INSIDE.addSubnet(network, bits, 'ipv6');
}

const ADVICE =
  'DERIVERY_TRUSTED_PROXIES is not the number of proxies before the registry: 1 on Cloud Run, 2 behind a load balancer (docs/access.md, "Whose address").';

export async function checkCallers(checks: Checks, registry: Registry, image: ImageToPull): Promise<void> {
  await checks.run('limits', ADVICE, async () => {
    const refused = await useUp(registry, image);
    if (refused === undefined)
      throw new NothingToCheck(
        `${REQUESTS} pulls were all let in: there is no limit, or there are many instances`,
      );
    const { code, message } = errorOf(refused);
    const after = refused.headers['retry-after'];
    expect(
      code === 'TOOMANYREQUESTS' && /^[1-9]\d*$/.test(after ?? ''),
      `429 ${code}, Retry-After ${after ?? 'missing'}`,
    );
    const { kind, holder = '' } =
      /for each (?<kind>user|address), which (?<holder>\S+) has reached/.exec(message)?.groups ?? {};
    expect(kind !== undefined, `the text does not say whose limit it is: ${message}`);
    if (kind === 'address') requireOurs(holder, registry.base);
    return { says: `counted as ${kind} ${holder}; 429 with Retry-After: ${after}`, value: undefined };
  });
}

/** Throws a CheckError where the address that was counted is not this client's own. */
export function requireOurs(holder: string, base: URL): void {
  expect(
    holder !== FORGED,
    `a client chooses the address that it is counted by: it claimed ${FORGED}, and was believed`,
  );
  const [address = ''] = holder.split('/', 1);
  const version = isIP(address);
  const isInside = version === 0 || INSIDE.check(address, version === 4 ? 'ipv4' : 'ipv6');
  const isHere = /^(?:localhost|127\..*|\[::1\])$/.test(base.hostname);
  expect(!isInside || isHere, `it takes this client for ${holder}, which is a proxy's: all clients are one`);
}

/** Pulls what is there until we are refused: the first such answer. */
async function useUp(registry: Registry, { name, tag }: ImageToPull): Promise<WholeReply | undefined> {
  let left = REQUESTS;
  let refused: WholeReply | undefined;
  const pull = async (): Promise<void> => {
    while (left > 0 && refused === undefined) {
      left -= 1;
      const reply = await registry.send(`/v2/${name}/manifests/${tag}`, {
        headers: { 'x-forwarded-for': FORGED },
      });
      if (reply.status === 429) refused = reply;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, pull));
  return refused;
}
