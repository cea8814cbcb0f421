// One system with several package sources: each tag leads to its own, whatever kind it is of.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { execa } from 'execa';
import { startLocalSystem, type LocalSystem } from './local-system.ts';
import { pullManifest } from './oci-client.ts';

const PREBUILDS = resolve(import.meta.dirname, '../../infra/local/prebuilds.ts');

/** There is nothing of these sets on cache.nixos.org, and it takes time to find out where there is no network. */
const NO_CACHE = 'substituters =\n';

/** A package set with one package, which is as large as its text. */
function packageSet(text: string): string {
  return `{ system, ... }: {
    thing = derivation {
      inherit system;
      name = "thing";
      builder = "/bin/sh";
      args = [ "-c" "echo ${text} >$out" ];
    };
  }`;
}

suite('tags', { timeout: 200_000 }, () => {
  let folder: string;
  let set: string;
  let system: LocalSystem;

  async function git(...args: string[]): Promise<string> {
    const author = ['-c', 'user.name=n', '-c', 'user.email=a@b'];
    return (await execa('git', ['-C', set, ...author, ...args])).stdout;
  }

  async function commit(text: string): Promise<string> {
    await writeFile(join(set, 'default.nix'), packageSet(text));
    await git('add', '.');
    await git('commit', '--quiet', `--message=${text}`);
    return git('rev-parse', 'HEAD');
  }

  const revisions = { first: '', main: '', feature: '' };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'derivery-tags-'));
    set = join(folder, 'set');
    await execa('git', ['init', '--quiet', '--initial-branch=main', set]);
    revisions.first = await commit('first');
    await git('switch', '--quiet', '--create', 'feature/x');
    revisions.feature = await commit('feature');
    await git('switch', '--quiet', 'main');
    revisions.main = await commit('main');
    const here = join(folder, 'here');
    await mkdir(here);
    await writeFile(join(here, 'default.nix'), packageSet('here'));
    system = await startLocalSystem({
      source: 'debian',
      env: {
        NIX_CONFIG: NO_CACHE,
        DERIVERY_SOURCES: `{commit}=git:${set} set=git:${set} set-*=git:${set} here=path:${here}`,
      },
    });
  });
  after(async () => {
    await system.stop();
    await rm(folder, { recursive: true });
  });

  async function labels(
    name: string,
    tag: string,
  ): Promise<{ revision: string; version: string; source: string }> {
    const { annotations } = await pullManifest(system.registry, name, { reference: tag });
    const label = (of: string): string => annotations[`org.opencontainers.image.${of}`] ?? '';
    return { revision: label('revision'), version: label('version'), source: label('source') };
  }

  test('are told when all is ready', async () => {
    await system.waitFor(/^ {2}Tags +latest, \{commit\}, set, set-\*, here$/);
  });

  test('lead to their sources, at their revisions, which the image says', async () => {
    const [head, main, feature, first, here] = await Promise.all(
      ['set', 'set-main', 'set-feature__2fx', revisions.first, 'here'].map(tag => labels('thing', tag)),
    );
    assert.deepEqual(head, { revision: revisions.main, version: revisions.main, source: set });
    assert.deepEqual(main, { revision: revisions.main, version: 'main', source: set });
    assert.deepEqual(feature, { revision: revisions.feature, version: 'feature/x', source: set });
    assert.deepEqual(first, { revision: revisions.first, version: revisions.first, source: set });
    assert.equal(here?.source, `file://${join(folder, 'here')}`);
    assert.match((await labels('iana-etc', 'latest')).source, /debian/);
  });

  test('can be prebuilt', async () => {
    const since = system.lines.length;
    const images = ['thing/iana-etc:set-gone', 'nonroot/thing:set-main', 'thing:nope'];
    await execa(process.execPath, [PREBUILDS, ...images], { env: { DERIVERY_STATE: system.state } });
    await system.waitFor(/prebuilds queued images=2 queued=2 refused=1/, since);
    await system.waitFor(/thing:nope.*there is no tag \\?"nope\\?" here, but \\?"\{commit\}/, since);
    await system.waitFor(/build published/, since);
  });
});
