// What stands before all else: the registry is at the root of its host, knows its own address, and lets us in.
import { errorOf } from '../documents.ts';
import { expect, type Checks } from '../check.ts';
import { send } from '../exchange.ts';
import { answerChallenge, type Login } from '../login.ts';
import { isLoopback } from '../loopback.ts';
import { seconds } from '../pull.ts';
import { openRegistry, OWN_HEADER, type Registry } from '../registry.ts';

/** docker's classic client gives `/v2/` and its token so long, a cold start included. Milliseconds. */
const PING_LIMIT_MS = 15_000;

/** Answers with the registry, by whose leave the other checks go on; undefined where there is none. */
export async function checkFront(
  checks: Checks,
  base: URL,
  login: Login | undefined,
): Promise<Registry | undefined> {
  const challenge = await checks.run(
    'registry at the root',
    isLoopback(base)
      ? 'Look whether npm start runs, and what it says after "Derivery is ready at".'
      : 'Look whether HOST is the output registry_host, whether the function runs, and what its log says.',
    async () => {
      const { status, headers, body, waitedMs } = await send(new URL('/v2/', base));
      expect(
        headers[OWN_HEADER] === 'registry/2.0',
        `/v2/ answers ${status}, and that is not Derivery: there is no ${OWN_HEADER}`,
      );
      expect(status === 200 || status === 401, `/v2/ answers ${status}`);
      expect(
        headers['content-length'] === String(body.length),
        `/v2/ has ${body.length} bytes, and says ${headers['content-length'] ?? 'nothing'}`,
      );
      expect(
        waitedMs < PING_LIMIT_MS,
        `/v2/ took ${seconds(waitedMs)}; docker gives up after 15 s`,
        'Cold starts take too long: registry = { min_instances = 1 }.',
      );
      return {
        says: `/v2/ answers ${status} after ${seconds(waitedMs)}`,
        value: headers['www-authenticate'] ?? '',
      };
    },
  );
  if (challenge === undefined) return undefined;
  const registry = await checkLogin(checks, base, challenge, login);
  if (registry !== undefined) await checkOwnAddress(checks, registry);
  return registry;
}

function checkLogin(
  checks: Checks,
  base: URL,
  challenge: string,
  login: Login | undefined,
): Promise<Registry | undefined> {
  return checks.run('login', 'See docs/access.md.', async () => {
    if (challenge === '') {
      const says =
        login === undefined
          ? 'nobody is asked who they are'
          : `nobody is asked who they are: ${login.user} is not looked at`;
      return { says, value: openRegistry(base, async () => undefined) };
    }
    const registry = openRegistry(base, await answerChallenge(challenge, base, login));
    const reply = await registry.send('/v2/');
    if (reply.status !== 200)
      expect(false, `/v2/ answers ${reply.status} to who has logged in: ${errorOf(reply).message}`);
    return { says: `${login?.user ?? 'who has not logged in'} may pull`, value: registry };
  });
}

/** The page for people names the host that the registry is called by, which tokens are made for. */
async function checkOwnAddress(checks: Checks, registry: Registry): Promise<void> {
  await checks.run(
    'own address',
    'The front end passes on another Host: set domain of Terraform (DERIVERY_PUBLIC_URL).',
    async () => {
      const { status, body } = await registry.send('/');
      const named = /docker pull (?<host>[^/\s]+)\//.exec(body.toString())?.groups?.['host'];
      expect(
        status === 200 && named === registry.base.host,
        `the page at / answers ${status} and names ${named ?? 'no host'}`,
      );
      return { says: `it is called ${named}, and knows it`, value: named };
    },
  );
}
