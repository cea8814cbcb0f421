// What is not there is said so, at once, in the form that clients print.
import { randomBytes } from 'node:crypto';
import { CheckError, expect, type Checks } from '../check.ts';
import { errorOf } from '../documents.ts';
import { misspelt, type ImageToPull } from '../image.ts';
import { pullManifest, seconds } from '../pull.ts';
import { OWN_HEADER, type Registry } from '../registry.ts';

const ADVICE = 'Something before the registry answers in its place, or changes its answers.';

/** Only a look into the database: what takes longer waits for a build. Milliseconds. */
const AT_ONCE_MS = 10_000;

/** What needs no image and no worker. */
export async function checkRefusals(
  checks: Checks,
  registry: Registry,
  { name }: ImageToPull,
): Promise<void> {
  const nobodys = `sha256:${randomBytes(32).toString('hex')}`;
  await checks.run('unknown digest', ADVICE, async () => {
    for (const [target, expected] of [
      [`/v2/${name}/manifests/${nobodys}`, 'MANIFEST_UNKNOWN'],
      [`/v2/${name}/blobs/${nobodys}`, 'BLOB_UNKNOWN'],
    ] as const) {
      const reply = await registry.send(target);
      const { code } = errorOf(reply);
      expect(reply.status === 404 && code === expected, `${target} is answered ${reply.status} ${code}`);
      expect(reply.waitedMs < AT_ONCE_MS, `${target} took ${seconds(reply.waitedMs)}`);
      const head = await registry.send(target, { method: 'HEAD' });
      expect(head.status === 404, `HEAD ${target} is answered ${head.status}`);
    }
    return { says: '404, for manifests and blobs, with GET and HEAD', value: undefined };
  });
  await checks.run('push', ADVICE, async () => {
    const reply = await registry.send(`/v2/${name}/blobs/uploads/`, { method: 'POST' });
    const { code, message } = errorOf(reply);
    expect(reply.status === 405 && code === 'UNSUPPORTED', `${reply.status} ${code}`);
    return { says: `405: ${message}`, value: undefined };
  });
  await checks.run(
    'paths that front ends may keep for themselves',
    'The front end answers these itself: put another one before the registry (domain of Terraform).',
    async () => {
      // Cloud Run keeps /eventlog, /_ah/ and some paths that end in z: tags are all of ours that can end so.
      const targets = [
        `/v2/${name}/manifests/quartz`,
        '/v2/healthz/tags/list',
        '/v2/_catalog',
        '/builds/none/log',
        '/token',
      ];
      for (const target of targets) {
        const { status, headers } = await registry.send(target);
        expect(headers[OWN_HEADER] !== undefined, `${target} is answered ${status} by something else`);
      }
      return { says: `${targets.length} reach the registry`, value: undefined };
    },
  );
}

/** A name that no package has: the worker looks, and says what is near. */
export async function checkUnknownPackage(
  checks: Checks,
  registry: Registry,
  image: ImageToPull,
  totalMs: number,
): Promise<void> {
  const name = misspelt(image);
  await checks.run('unknown package', ADVICE, async () => {
    const says = await refusalOf(registry, { name, tag: image.tag }, totalMs);
    expect(says.startsWith('404 MANIFEST_UNKNOWN: ') && says.includes(name), says);
    expect(
      says.includes('did you mean'),
      `it says nothing of what is near: ${says}`,
      'Look at the log of the worker.',
    );
    return { says, value: undefined };
  });
}

/** How a pull is refused that must not succeed. */
async function refusalOf(
  registry: Registry,
  image: { name: string; tag: string },
  totalMs: number,
): Promise<string> {
  try {
    await pullManifest(registry, image, { client: 'impatient', totalMs });
  } catch (error) {
    if (error instanceof CheckError && error.advice === undefined) return error.message;
    throw error;
  }
  throw new CheckError(
    `${image.name} was pulled: choose another image by --image, whose last package has no such neighbour`,
  );
}
