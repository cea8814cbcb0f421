import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readlink, rmdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import type { Closure } from '#core/closure.ts';
import { PermanentError } from '#core/errors.ts';
import { build, debianSet, found, NO_ARGUMENTS, type DebianSet } from '#test/nix/debian-set.ts';
import { storeFolder } from '#test/worker/nix/store-folder.ts';
import { emptyStore } from '#test/worker/nix/binary-cache.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { gnuTar } from '#test/worker/pack/trees.ts';
import { UNCOLLECTED, type BuildRoots } from '#worker/collection/build-roots.ts';
import { openRoots } from '#worker/collection/open-roots.ts';
import { runExtraCommands, type ChangedTree } from '#worker/extra-commands.ts';
import { closure } from '#worker/nix/closure.ts';
import { type Nix } from '#worker/nix/nix.ts';
import { realise } from '#worker/nix/realise.ts';
import { resolve, type FoundItem } from '#worker/nix/resolve.ts';
import type { StoredSource } from '#worker/nix/stored-source.ts';
import { changedLinks } from '#worker/pack/changed-links.ts';
import { linksLayer } from '#worker/pack/links.ts';
import { ownerOf } from '#worker/pack/root-files.ts';
import { writeTar } from '#worker/pack/tar.ts';
import type { TarEntry } from '#worker/pack/tar-header.ts';

const signal = AbortSignal.timeout(200_000);
const OWNER = { uid: 7, gid: 8 };

let set: DebianSet;
let source: StoredSource;
let items: FoundItem[];
let nodes: Closure;
let spoolFolder: string;
before(async () => {
  set = await debianSet();
  source = await storeFolder(set.nix, set.folder);
  items = await build(set, ['hello']);
  nodes = await closure(set.nix, pathsOf(items), { signal });
  spoolFolder = await mkdtemp(join(tmpdir(), 'derivery-spool-'));
});
// What is still there would not be removed.
after(() => rmdir(spoolFolder));

function pathsOf(all: readonly FoundItem[]) {
  return all.map(({ path }) => path);
}

interface Image {
  readonly nix: Nix;
  readonly items: readonly FoundItem[];
  readonly nodes: Closure;
}

function links({ nix, items: all }: Pick<Image, 'nix' | 'items'>): Promise<TarEntry[]> {
  const outputs = all.map(({ path, priority }) => ({ storePath: path, priority }));
  return linksLayer(outputs, { realPath: nix.realPath, user: 'nonroot', owner: OWNER });
}

/** What the commands leave in the store. */
async function run(commands: string, { nix, ...of }: Image, roots: BuildRoots): Promise<ChangedTree> {
  const entries = await links({ nix, ...of });
  return runExtraCommands(
    nix,
    {
      commands,
      source,
      importArguments: NO_ARGUMENTS,
      entries,
      packages: pathsOf([...of.items]),
      closure: of.nodes,
      spoolFolder,
      roots,
    },
    { signal },
  );
}

/** The tar of the layer of links that the commands leave. */
async function changed(commands: string, image?: Partial<Image>): Promise<Buffer> {
  const whole = { nix: set.nix, items, nodes, ...image };
  const tree = await run(commands, whole, await UNCOLLECTED());
  return Buffer.concat([
    ...writeTar(changedLinks(whole.nix.realPath(tree.path), path => ownerOf(path, 'nonroot', OWNER))),
  ]);
}

/** What a tar lists, by path. */
function listing(tar: Buffer): Map<string, string> {
  const lines = gnuTar(tar, '-tvf', '-').trimEnd().split('\n');
  return new Map(
    lines.map(line => {
      const [, what = '', path = ''] = /^(?<what>\S+ \S+ +\d+) \S+ \S+ (?<path>.*)$/.exec(line) ?? [];
      return [path, what.replace(/ +/g, ' ')];
    }),
  );
}

async function failure(commands: string): Promise<{ message: string; log: string }> {
  const error: unknown = await changed(commands).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof PermanentError, String(error));
  assert.equal(error.failure.kind, 'build_failed');
  return { message: error.message, log: error.failure.log ?? '' };
}

suite('extra commands', () => {
  test('that do nothing change nothing: links, permission bits and owners stay as they are', async () => {
    const plain = Buffer.concat([...writeTar(await links({ nix: set.nix, items }))]);
    const tar = await changed(':');
    assert.deepEqual(listing(tar), listing(plain));
    assert.ok(tar.equals(plain));
  });

  test('T31: keep what they make, and what it is made by, until the image is packed', async () => {
    const { begin } = await openRoots(set.nix, { spoolFolder, signal });
    await using roots = await begin();
    const folder = roots.folder ?? assert.fail();
    const tree = await run(`echo ${randomUUID()} >kept`, { nix: set.nix, items, nodes }, roots);
    const kept = await Promise.all((await readdir(folder)).map(name => readlink(join(folder, name))));
    assert.ok(kept.includes(tree.path));
    assert.ok(kept.some(path => path.endsWith('-extra-commands.drv')));
    for (const tool of ['bash', 'coreutils'])
      assert.ok(
        kept.some(path => path.includes(`-${tool}`)),
        tool,
      );
  });

  test('make, replace and remove', async () => {
    const tar = await changed(`
      set -o pipefail
      mkdir -m 1777 scratch
      mkdir -m 700 home/nonroot/.config empty
      echo 'print (1 + 1)' >home/nonroot/.config/x
      printf 'welcome\\n' | sed s/w/W/ >etc/motd
      install -m 755 /dev/null bin/start
      rm bin/hello
      ln -s ../share/greeting bin/hello
      rm -r var/empty run
      cat bin/../share/locale/locale.alias >/dev/null 2>&1 || true
      awk 'BEGIN { system("echo from a shell >etc/awk") }'
      find . -name motd | grep -q motd
      chmod 4711 etc/awk 2>/dev/null || echo refused >etc/setuid
    `);
    const list = listing(tar);
    assert.equal(list.get('scratch/'), 'drwxrwxrwt 7/8 0');
    assert.equal(list.get('empty/'), 'drwx------ 7/8 0');
    assert.equal(list.get('home/nonroot/.config/'), 'drwx------ 1000/1000 0');
    assert.equal(list.get('home/nonroot/.config/x'), '-rw-r--r-- 1000/1000 14');
    assert.equal(list.get('bin/start'), '-rwxr-xr-x 7/8 0');
    assert.equal(list.get('bin/hello -> ../share/greeting'), 'lrwxrwxrwx 7/8 0');
    assert.equal(list.get('tmp/'), 'drwxrwxrwt 7/8 0');
    assert.equal(list.get('root/'), 'drwx------ 7/8 0');
    assert.equal(list.has('run/'), false);
    assert.equal(list.has('etc/setuid'), true);
    assert.equal(gnuTar(tar, '-xOf', '-', 'etc/motd'), 'Welcome\n');
    assert.equal(gnuTar(tar, '-xOf', '-', 'etc/awk'), 'from a shell\n');
  });

  test('see what the links lead to', async () => {
    const tar = await changed('test -x bin/hello; bin/hello >greeting; cp -L bin/hello copy');
    assert.equal(gnuTar(tar, '-xOf', '-', 'greeting'), 'Hello, world!\n');
  });

  test('see nothing of the machine, and no network', async context => {
    const tar = await changed(`
      try() { if "$@" >/dev/null 2>&1; then echo "$@" >>escaped; fi; }
      touch escaped
      for place in /etc/shadow /root /home /usr /lib /var ${set.folder} ${set.store}; do try test -e $place; done
      try test -e /proc/1/root/usr
      try chown 0:0 etc
      try mknod dev c 1 3
      try bash -c 'echo >/dev/tcp/127.0.0.1/${await listeningPort(context)}'
      touch /nix/store/canary || true
      try touch ${items[0]?.path}/x
      env | cut -d= -f1 | sort >environment
      sed 1,2d /proc/net/dev | cut -d: -f1 >interfaces
      id -u >user
    `);
    const read = (name: string): string => gnuTar(tar, '-xOf', '-', name);
    assert.equal(read('escaped'), '');
    assert.equal(existsSync(join(set.store, 'nix/store/canary')), false);
    assert.equal(read('interfaces').trim(), 'lo');
    assert.notEqual(read('user'), '0\n');
    assert.deepEqual(read('environment').trimEnd().split('\n'), [
      'HOME',
      'LC_ALL',
      'PATH',
      'PWD',
      'SHLVL',
      'SOURCE_DATE_EPOCH',
      'TMPDIR',
      'TZ',
      '_',
    ]);
  });

  test('that fail are told with the end of their log', async () => {
    const { message, log } = await failure('echo on the way; ls /nonexistent; echo not here');
    assert.equal(message, "the deployment's extra commands failed with exit code 2.");
    assert.match(log, /on the way\n.*\/nonexistent.*No such file/);
    assert.doesNotMatch(log, /not here/);
    assert.match((await failure('echo $UNKNOWN')).log, /UNKNOWN: unbound variable/);
  });

  test('may not leave what an image cannot have', async () => {
    assert.match((await failure('mkfifo pipe')).log, /^\.\/pipe is neither a file nor a directory/m);
    const { message } = await failure('ln -s "$(command -v sed)" bin/sed');
    assert.match(message, /leave references to what is not in the image: gnused-/);
  });
});

suite('extra commands are run', () => {
  test('to the same bytes in another store, where all that is left to do is to run them', async context => {
    const commands =
      'bin/hello >greeting; ls -R >"$TMPDIR/list"; mv "$TMPDIR/list" .; mkdir new; rm etc/group';
    const nix = await emptyStore(context, { from: `local?root=${set.store}` });
    const again = found(
      await resolve(
        nix,
        {
          source: await storeFolder(nix, set.folder),
          system: 'x86_64-linux',
          packages: ['hello'],
          importArguments: NO_ARGUMENTS,
        },
        { signal },
      ),
    );
    await realise(nix, again, { signal });
    const [here, there] = [await changed(commands), await changed(commands, { nix, items: again })];
    assert.ok(here.equals(there));
  });

  test('for another platform by tools of this one', async context => {
    const folder = await scratchSet(context, { foreign: 'mkdir -p $out/bin; echo arm >$out/bin/foreign' });
    const request = { system: 'aarch64-linux', packages: ['foreign'], importArguments: NO_ARGUMENTS };
    const foreign = found(
      await resolve(set.nix, { ...request, source: await storeFolder(set.nix, folder) }, { signal }),
    );
    await realise(set.nix, foreign, { signal });
    const image = { items: foreign, nodes: await closure(set.nix, pathsOf(foreign), { signal }) };
    const tar = await changed('sed s/m/m64/ bin/foreign >what', image);
    assert.equal(gnuTar(tar, '-xOf', '-', 'what'), 'arm64\n');
  });
});

/** A port on which this machine would answer. */
async function listeningPort(context: TestContext): Promise<number> {
  const server = createServer(socket => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}
