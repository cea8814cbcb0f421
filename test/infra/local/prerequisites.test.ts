import assert from 'node:assert/strict';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import type { Machine } from '#local/machine.ts';
import { installPrerequisites, type SourceKind } from '#local/prerequisites.ts';
import { StartError } from '#local/start-error.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** What each package has, as far as anyone here asks. */
const PACKAGES = `
case $1 in
  nix-bin) echo nix-instantiate nix-store ;;
  busybox-static) echo busybox ;;
  dpkg) echo dpkg-deb ;;
  *) echo "$1" ;;
esac`;

/** An apt-get that writes down its calls, and installs by making commands appear. */
const APT_GET = `#!/bin/sh
here=$(dirname "$0")
echo "\${DEBIAN_FRONTEND-} apt-get $*" >>"$here/calls"
if [ "$1" = update ]; then touch "$here/updated"; exit 0; fi
if [ -e "$here/outdated" ] && [ ! -e "$here/updated" ]; then
  echo "E: Unable to locate package" >&2
  exit 100
fi
if [ -e "$here/broken" ]; then
  echo "E: No space left" >&2
  exit 100
fi
for name; do
  case $name in install | -* | DPkg*) continue ;; esac
  for command in $("$here/contents" "$name"); do ln -s /bin/true "$here/$command"; done
done`;

/** A sudo that writes down its calls, and takes no variables along. */
const SUDO = `#!/bin/sh
here=$(dirname "$0")
echo "sudo $*" >>"$here/calls"
[ "$1" = -n ] && shift
[ -e "$here/asks" ] && exit 1
exec env -i PATH="$PATH" "$@"`;

interface Setting {
  /** Commands that are there. */
  readonly has?: readonly string[];
  /** Files that change how apt-get and sudo behave. */
  readonly marks?: readonly string[];
  readonly machine?: Partial<Machine>;
  readonly withoutLists?: boolean;
}

async function setUp(context: TestContext, { has = [], marks = [], machine, withoutLists }: Setting = {}) {
  const folder = await temporaryFolder(context);
  const programs = { 'apt-get': APT_GET, sudo: SUDO, contents: `#!/bin/sh${PACKAGES}` };
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(folder, name), script, { mode: 0o755 });
  }
  for (const name of ['sh', 'dirname', 'touch', 'env', 'ln', 'true'])
    await symlink(`/bin/${name}`, join(folder, name));
  for (const name of has) await symlink('/bin/true', join(folder, name));
  for (const name of ['calls', ...marks]) await writeFile(join(folder, name), '');
  const aptLists = join(folder, 'lists');
  await mkdir(aptLists);
  if (withoutLists !== true) await writeFile(join(aptLists, 'somewhere_main_binary-amd64_Packages.lz4'), '');
  const reports: string[] = [];
  return {
    reports,
    install: (...sources: SourceKind[]) => {
      const here = { searchPath: folder, userId: 0, release: 'debian 12', aptLists, ...machine };
      return installPrerequisites(new Set(sources), here, text => reports.push(text));
    },
    calls: async () => (await readFile(join(folder, 'calls'), 'utf8')).split('\n').filter(Boolean),
  };
}

const INSTALL = 'install --yes --no-remove --no-install-recommends --option DPkg::Lock::Timeout=120';
const NIX = ['nix-instantiate', 'nix-store'];

await suite('prerequisites', { concurrency: 4, timeout: 10_000 }, () => {
  test('installs what is missing, at once and without taking anything away', async context => {
    const { install, calls, reports } = await setUp(context, { has: ['dpkg-deb'] });
    await install('debian');
    assert.deepEqual(await calls(), [`noninteractive apt-get ${INSTALL} nix-bin patchelf`]);
    assert.deepEqual(reports, ['Installing nix-bin, patchelf from Debian (apt-get)']);
  });

  test('installs nothing where nothing is missing, and says nothing', async context => {
    const { install, calls, reports } = await setUp(context, { has: [...NIX, 'dpkg-deb', 'patchelf'] });
    await install('debian');
    assert.deepEqual([await calls(), reports], [[], []]);
  });

  test('needs for each source what its builds use', async context => {
    const needs: readonly [sources: readonly SourceKind[], packages: string][] = [
      [['channel'], 'busybox-static'],
      [['path'], 'busybox-static git'],
      [['git'], 'busybox-static git'],
      [['flake'], 'busybox-static git'],
      [['debian'], 'patchelf dpkg'],
      // Those of the rules count as the default one does.
      [['debian', 'git'], 'patchelf dpkg busybox-static git'],
      [['auto', 'git'], 'busybox-static git'],
    ];
    for (const [sources, packages] of needs) {
      const { install, calls } = await setUp(context, { has: NIX });
      await install(...sources);
      assert.deepEqual(await calls(), [`noninteractive apt-get ${INSTALL} ${packages}`]);
    }
  });

  test("needs only Nix to choose a source; along with Debian's Nix comes what the bundled set needs", async context => {
    const withNix = await setUp(context, { has: NIX });
    await withNix.install('auto');
    assert.deepEqual(await withNix.calls(), []);
    const without = await setUp(context, { has: ['dpkg-deb'] });
    await without.install('auto');
    assert.deepEqual(await without.calls(), [`noninteractive apt-get ${INSTALL} nix-bin patchelf`]);
  });

  test('fetches the lists first where there are none', async context => {
    const { install, calls } = await setUp(context, { has: NIX, withoutLists: true });
    await install('channel');
    assert.deepEqual(await calls(), [
      'noninteractive apt-get update',
      `noninteractive apt-get ${INSTALL} busybox-static`,
    ]);
  });

  test('fetches the lists where they prove to be too old', async context => {
    const { install, calls } = await setUp(context, { has: NIX, marks: ['outdated'] });
    await install('channel');
    const attempt = `noninteractive apt-get ${INSTALL} busybox-static`;
    assert.deepEqual(await calls(), [attempt, 'noninteractive apt-get update', attempt]);
  });

  test('says what apt-get says, where it fails', async context => {
    const { install } = await setUp(context, { has: NIX, marks: ['broken'] });
    await assert.rejects(
      install('channel'),
      new StartError(
        'apt-get could not install busybox-static (No space left). Install it by hand, then start again.',
      ),
    );
  });

  test('uses sudo for an ordinary user', async context => {
    const { install, calls, reports } = await setUp(context, { has: NIX, machine: { userId: 1000 } });
    await install('channel');
    assert.deepEqual(
      (await calls()).filter(call => !call.startsWith('sudo')),
      [`noninteractive apt-get ${INSTALL} busybox-static`],
    );
    assert.deepEqual(reports, ['Installing busybox-static from Debian (sudo apt-get)']);
  });

  test('says what to install where sudo asks for a password', async context => {
    const { install, calls } = await setUp(context, { marks: ['asks'], machine: { userId: 1000 } });
    await assert.rejects(
      install('channel'),
      new StartError(
        'nix-instantiate, nix-store and busybox are missing, and this user cannot install without a password. Run: sudo apt-get install nix-bin busybox-static',
      ),
    );
    assert.deepEqual(await calls(), ['sudo -n true']);
  });

  test('knows the names of Debian 12 only', async context => {
    const { install, calls } = await setUp(context, { has: NIX, machine: { release: 'fedora 40' } });
    await assert.rejects(
      install('git'),
      new StartError(
        'busybox and git are missing. Only on Debian 12 is that installed by itself: install here what Debian calls busybox-static git.',
      ),
    );
    assert.deepEqual(await calls(), []);
  });
});
