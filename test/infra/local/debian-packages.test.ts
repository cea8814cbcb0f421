// Fetching what the package set is made of. Uses the machine's Debian sources.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { before, suite, test, type TestContext } from 'node:test';
import { execa } from 'execa';
import { debianSources, parseSources, type AptSource } from '#local/debian/apt-sources.ts';
import { openApt } from '#local/debian/apt.ts';
import { fetchArchitecture } from '#local/debian/fetch-architecture.ts';
import { fetchDebianPackages, type DebianPackagesOptions } from '#local/debian-packages.ts';
import { StartError } from '#local/start-error.ts';
import { debianSet, type DebianSet } from '#test/nix/debian-set.ts';
import { partialMirror } from './partial-mirror.ts';

let set: DebianSet;
before(async () => {
  set = await debianSet();
});

async function scratch(context: TestContext, name = 'derivery debs-', parent = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, name));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

suite('the machine’s sources', () => {
  test('of Debian 12’s main part are taken, each once; all others are left out', () => {
    const debian = 'http://deb.debian.example/debian/';
    const lines = [
      `main\tbookworm\t${debian}`,
      `main\tbookworm\t${debian}`,
      `contrib\tbookworm\t${debian}`,
      `non-free-firmware\tbookworm\t${debian}`,
      `main\tbookworm-updates\t${debian}`,
      `main\tbookworm-backports\t${debian}`,
      'main\tbookworm-security\tmirror+file:/etc/apt/mirrors/debian-security.list',
      `main\toldstable\t${debian}`,
      'main\tbookworm\tcdrom:[Debian GNU/Linux 12]/',
      'stable\tbookworm\thttps://download.docker.example/linux/debian/',
      'main\tcloud-sdk-bookworm\thttps://packages.cloud.example/apt/',
      'main\tnodistro\thttps://deb.node.example/node_20.x/',
      'main\tbookworm-pgdg\thttps://apt.postgresql.example/pub/repos/apt/',
      'main\ttrixie\thttp://deb.debian.example/debian/',
      'main\tnoble\thttp://archive.ubuntu.example/ubuntu/',
      '',
    ];
    assert.deepEqual(parseSources(lines.join('\n')), [
      { uri: debian, suite: 'bookworm' },
      { uri: debian, suite: 'bookworm-updates' },
      { uri: 'mirror+file:/etc/apt/mirrors/debian-security.list', suite: 'bookworm-security' },
      { uri: debian, suite: 'oldstable' },
    ]);
  });

  const open = async (context: TestContext, candidates: () => Promise<AptSource[]>) =>
    openApt({ folder: await scratch(context), architecture: 'amd64', signal: undefined, candidates });

  test('without any of Debian 12 are refused with a sentence', async context => {
    await assert.rejects(
      open(context, () => Promise.resolve([])),
      /^StartError: The bundled package set is made of Debian 12's packages \(bookworm\), and this machine's package sources are not/,
    );
  });

  test('that lack an architecture say which', async context => {
    const folder = await scratch(context);
    // Debian 12 has none.
    await assert.rejects(
      openApt({ folder, architecture: 'riscv64', signal: undefined }),
      /^StartError: This machine's sources of Debian packages have none for riscv64\.$/,
    );
  });

  test('that are not signed by Debian are left out, whatever they call themselves', async context => {
    // apt's addresses have no spaces.
    const foreign = await unsignedRepository(await scratch(context, 'derivery-foreign-'));
    const apt = await open(context, async () => [foreign, ...(await debianSources())]);
    assert.ok(apt.hosts.length > 0);
    assert.ok(!apt.hosts.some(host => host.startsWith('file:')));
    await assert.rejects(
      open(context, () => Promise.resolve([foreign])),
      /are not Debian 12's: use another --source\.$/,
    );
  });
});

/** A repository that says it is Debian 12, and has no signature. */
async function unsignedRepository(folder: string): Promise<AptSource> {
  const release = join(folder, 'dists/bookworm');
  await mkdir(join(release, 'main/binary-amd64'), { recursive: true });
  await writeFile(join(release, 'main/binary-amd64/Packages'), '');
  await writeFile(join(release, 'Release'), 'Origin: Debian\nSuite: oldstable\nCodename: bookworm\n');
  return { uri: `file:${folder}/`, suite: 'bookworm' };
}

/** A copy of the shared set, whose packages have only another name: a test may remove or replace them. */
async function copied(context: TestContext): Promise<string> {
  const folder = join(await scratch(context, 'scratch ', dirname(set.folder)), 'the set');
  const isExpression = (path: string): boolean => path !== join(set.folder, 'debs');
  await cp(set.folder, folder, { recursive: true, filter: isExpression });
  await execa('cp', ['-rl', join(set.folder, 'debs'), join(folder, 'debs')]);
  return folder;
}

suite('a set', () => {
  test('that is complete is used as it is', async context => {
    const folder = await copied(context);
    const { ino } = await stat(folder);
    const progress: string[] = [];
    const again = await fetchDebianPackages({ folder, onProgress: line => progress.push(line) });
    assert.equal(again.revision, set.revision);
    assert.match(again.revision, /^[0-9a-f]{64}$/);
    assert.deepEqual(progress, []);
    assert.equal((await stat(folder)).ino, ino);
  });

  const removeOne = async (folder: string): Promise<void> => {
    const [first = ''] = await readdir(join(folder, 'debs/amd64'));
    await rm(join(folder, 'debs/amd64', first));
  };
  /** Hands back the file, which then has one byte. */
  const changeOne = async (folder: string): Promise<string> => {
    const file = join(folder, 'debs/amd64', (await readdir(join(folder, 'debs/amd64'))).at(-1) ?? '');
    await rm(file);
    await writeFile(file, 'x');
    return file;
  };
  const harms: Record<string, (folder: string) => Promise<void>> = {
    'has another expression': folder => appendFile(join(folder, 'default.nix'), '\n'),
    'lacks a package': removeOne,
    'has a package that was changed': async folder => void (await changeOne(folder)),
    'lacks its revision': folder => rm(join(folder, 'revision')),
    'has packages under another architecture': async folder => {
      await rm(join(folder, 'debs/arm64'), { recursive: true });
      await rename(join(folder, 'debs/amd64'), join(folder, 'debs/arm64'));
    },
  };
  for (const [name, harm] of Object.entries(harms)) {
    test(`that ${name} is not used, and stays while it cannot be fetched`, async context => {
      const folder = await copied(context);
      await harm(folder);
      const signal = AbortSignal.abort(new Error('no network'));
      await assert.rejects(fetchDebianPackages({ folder, signal }), /^Error: no network$/);
      assert.deepEqual(await readdir(join(folder, '..')), ['the set']);
    });
  }

  test('that is fetched anew is as it was, and only what is missing is fetched', async context => {
    const folder = await copied(context);
    await removeOne(folder);
    const changed = await changeOne(folder);
    const progress: string[] = [];
    const onProgress = (line: string): void => void progress.push(line);
    const { revision } = await fetchDebianPackages({ folder, onProgress });
    assert.match(
      progress.join('\n'),
      /^Fetching \d+ of \d+ Debian packages for amd64 from \S.* \(\d+ MB\)$/m,
    );
    assert.equal(revision, (await readFile(join(folder, 'revision'), 'utf8')).trim());
    assert.notEqual((await stat(changed).catch(() => undefined))?.size, 1);
    // Where Debian has published in the meantime, the shared set is an older one.
    const { stdout } = await execa('diff', ['-rq', set.folder, folder], { reject: false });
    assert.equal(revision === set.revision, stdout === '');
    assert.deepEqual(await readdir(join(folder, '..')), ['the set']);
  });

  test('whose fetching is killed is not there, and the next one removes what was left', async context => {
    const folder = join(await scratch(context), 'set');
    const worker = fork(join(import.meta.dirname, 'programs/fetch-debian.ts'), [folder]);
    await once(worker, 'message');
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    const [left = '', ...others] = await readdir(join(folder, '..'));
    assert.match(left, /^set\.partial-\d+$/);
    assert.deepEqual(others, []);
    const signal = AbortSignal.abort();
    await assert.rejects(fetchDebianPackages({ folder, signal }));
    assert.deepEqual(await readdir(join(folder, '..')), []);
  });
});

suite('a mirror that lacks arm64', () => {
  /** What `system` is told by the set, where its packages are asked for. */
  async function evaluate(folder: string, system: string): Promise<string> {
    const expression = '{ folder, system }: (import (/. + folder) { inherit system; }).hello.name';
    const args = ['--eval', '--expr', expression, '--argstr', 'folder', folder, '--argstr', 'system', system];
    const env = { NIX_CONFIG: '', NIX_REMOTE: 'dummy://' };
    const { stdout, stderr } = await execa('nix-instantiate', args, { reject: false, env });
    return stdout + stderr;
  }

  test('gives a set of amd64 that says so, which stays until there is more', async context => {
    const folder = await copied(context);
    await rm(join(folder, 'revision'));
    await rm(join(folder, 'debs/arm64'), { recursive: true });
    const mirror = await partialMirror(context, await scratch(context, 'derivery-lists-'), 'amd64');
    const progress: string[] = [];
    const options = {
      folder,
      onProgress: line => progress.push(line),
      fetch: one => fetchArchitecture({ ...one, candidates: () => Promise.resolve(mirror) }),
    } satisfies DebianPackagesOptions;

    const { revision } = await fetchDebianPackages(options);
    const reason = /apt-get cannot fetch Debian's packages: Failed to fetch http\S+\/binary-arm64\/Packages/;
    assert.equal(progress.length, 1);
    assert.match(progress.join(), /^The bundled package set is without arm64: /);
    assert.match(progress.join(), reason);
    assert.match(await evaluate(folder, 'x86_64-linux'), /^"hello-2[0-9.]+"/);
    const message = await evaluate(folder, 'aarch64-linux');
    assert.match(message, /error: This package set has no packages for arm64 on this machine: /);
    assert.match(message, reason);

    const { ino } = await stat(folder);
    const none = { folder, fetch: () => Promise.reject(new StartError('no network')) };
    assert.deepEqual(await fetchDebianPackages(none), { folder, revision });
    assert.equal((await stat(folder)).ino, ino);

    await rm(join(folder, 'revision'));
    await assert.rejects(fetchDebianPackages(none), /^StartError: no network$/);
  });
});
