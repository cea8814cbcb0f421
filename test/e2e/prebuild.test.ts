// Images that are asked for before anyone pulls them, by the README's command.
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execa } from 'execa';
import { startLocalSystem, type LocalSystem } from './local-system.ts';
import { checkBlobs, pullManifest } from './oci-client.ts';

const PREBUILDS = resolve(import.meta.dirname, '../../infra/local/prebuilds.ts');

/** Builds one after another, and hops that tell soon how far a build is. */
const ONE_AT_A_TIME = { DERIVERY_BUILD_SLOTS: '1', DERIVERY_HOLD_SECONDS: '0.3' };

/** Small packages: two of them make an image of its own. */
const SMALL = ['file', 'gzip', 'hello', 'iana-etc', 'jq', 'less', 'mailcap', 'nano', 'tree', 'which', 'zlib'];

describe('prebuilds', { timeout: 200_000 }, () => {
  let system: LocalSystem;
  before(async () => {
    system = await startLocalSystem({
      source: 'debian',
      built: ['shell/tree', SMALL.join('/')],
      env: ONE_AT_A_TIME,
    });
  });
  after(() => system.stop());

  /** `npm run prebuilds`; resolves when the function has queued them. */
  async function prebuild(...images: string[]): Promise<void> {
    const since = system.lines.length;
    await execa(process.execPath, [PREBUILDS, ...images], { env: { DERIVERY_STATE: system.state } });
    await system.waitFor(new RegExp(`prebuilds queued images=${images.length} `), since);
  }

  async function signalWorker(signal: NodeJS.Signals): Promise<void> {
    const { worker } = await system.processes();
    assert.ok(worker !== undefined, 'a worker runs');
    process.kill(worker, signal);
  }

  test('are ready before they are pulled', async () => {
    await prebuild('hello', 'shell/tree:latest');
    const first = await system.waitFor('build published');
    await system.waitFor(line => line.includes('build published') && line !== first);
    // From here on nobody can build anything.
    await signalWorker('SIGSTOP');
    try {
      for (const name of ['hello', 'shell/tree']) {
        const url = `http://${system.registry}/v2/${name}/manifests/latest`;
        const { status } = await fetch(url, { method: 'HEAD', redirect: 'manual' });
        assert.equal(status, 200, name);
        assert.ok((await checkBlobs(system.registry, name, await pullManifest(system.registry, name))) > 1);
      }
    } finally {
      await signalWorker('SIGCONT');
    }
  });

  test('wait for a pull that joins one of them: it is next', async () => {
    const images = pairs(SMALL).slice(0, 50);
    const last = images.at(-1) ?? '';
    await signalWorker('SIGSTOP');
    await prebuild(...images);
    const since = system.lines.length;
    const waits = Promise.withResolvers<void>();
    const pulled = pullManifest(system.registry, last, {
      onPhase: phase => phase.includes('waiting for a worker') && waits.resolve(),
    });
    await Promise.race([waits.promise, pulled]);
    await signalWorker('SIGCONT');
    await pulled;

    const builds = system.lines.slice(since).filter(line => line.includes('build started'));
    const place = builds.findIndex(line => packagesOf(line).join('/') === last);
    // One of the others may have been in the worker's hands when it was stopped.
    assert.ok(place === 0 || place === 1, builds.join('\n'));
  });
});

/** Images of two packages each, in the order that their names are sorted in. */
function pairs(packages: readonly string[]): string[] {
  return packages.flatMap((one, index) => packages.slice(index + 1).map(other => `${one}/${other}`));
}

/** `… worker build started packages=["file","hello"] platform=…` */
function packagesOf(line: string): string[] {
  return JSON.parse(/packages=(?<list>\[\S*\])/.exec(line)?.groups?.['list'] ?? '[]') as string[];
}
