// The package set for the other architecture: all of it is made here, of nothing but its own, and runs.
import assert from 'node:assert/strict';
import { access, mkdir, mkdtemp, open, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { execa } from 'execa';
import {
  build,
  debianSet,
  found,
  OTHER_SYSTEM,
  packageNames,
  removeStore,
  resolveNames,
  type DebianSet,
} from '#test/nix/debian-set.ts';
import { runArm64 } from '#test/nix/run-arm64.ts';
import { PermanentError } from '#core/errors.ts';
import type { StorePath } from '#core/store-path.ts';
import { closure } from '#worker/nix/closure.ts';
import { realise } from '#worker/nix/realise.ts';
import type { FoundItem } from '#worker/nix/resolve.ts';

const signal = AbortSignal.timeout(300_000);
let here: DebianSet;
let set: DebianSet;
let items: FoundItem[];
before(async () => {
  here = await debianSet();
  set = { ...here, system: OTHER_SYSTEM };
  items = await build(set, await packageNames(set));
});

async function closurePaths(roots: readonly FoundItem[]): Promise<StorePath[]> {
  const nodes = await closure(set.nix, [...new Set(roots.map(({ path }) => path))], { signal });
  return nodes.map(({ path }) => path);
}

test('has the packages that this architecture has', async () => {
  assert.deepEqual(await packageNames(set), await packageNames(here));
});

test('has nothing of this architecture: neither a store path, nor a program or library', async () => {
  const ofThis = await closurePaths(await build(here, await packageNames(here)));
  const ofOther = await closurePaths(items);
  assert.deepEqual(
    ofOther.filter(path => ofThis.includes(path)),
    [],
  );
  let binaries = 0;
  for (const path of ofOther) {
    for (const file of await files(set.nix.realPath(path))) {
      const machine = await elfMachine(file);
      if (machine === undefined) continue;
      binaries += 1;
      assert.equal(machine, AARCH64, file);
    }
  }
  assert.ok(binaries > 500, `${binaries} programs and libraries`);
});

/** EM_AARCH64 of elf.h. */
const AARCH64 = 183;

/** What the file is for, `e_machine`; undefined where it is no ELF file. */
async function elfMachine(file: string): Promise<number | undefined> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(20), 0, 20, 0);
    const isElf = bytesRead === 20 && buffer.subarray(0, 4).toString('latin1') === '\x7fELF';
    return isElf ? buffer.readUInt16LE(18) : undefined;
  } finally {
    await handle.close();
  }
}

async function files(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name));
}

suite('its programs run with nothing but their closure', () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'derivery-arm64-'));
    const roots = items.filter(({ name }) =>
      ['bash', 'curl', 'git', 'hello', 'jq', 'python3'].includes(name),
    );
    const paths = (await closurePaths(roots)).map(path => set.nix.realPath(path));
    await mkdir(join(root, 'nix/store'), { recursive: true });
    await execa('cp', ['-a', ...paths, join(root, 'nix/store')]);
    // For git, which opens it and then needs it no more.
    await mkdir(join(root, 'dev'));
    await writeFile(join(root, 'dev/null'), '');
  });
  after(() => removeStore(root));

  const cases: readonly [name: string, program: string, args: readonly string[], expected: RegExp][] = [
    ['hello', 'hello', [], /^Hello, world!$/],
    ['jq', 'jq', ['-n', '6 * 7'], /^42$/],
    ['curl', 'curl', ['--version'], /^curl 7\S+ \(aarch64-unknown-linux-gnu\) .*OpenSSL\/3/],
    ['bash', 'bash', ['-c', 'echo $((6 * 7)) $MACHTYPE'], /^42 aarch64-unknown-linux-gnu$/],
    // Its wrapper would start it, which only the kernel could.
    ['git', '.git-wrapped', ['--version'], /^git version 2\./],
    [
      'python3',
      'python3',
      ['-c', 'import platform, sqlite3, ssl, zlib; print(platform.machine(), ssl.OPENSSL_VERSION)'],
      /^aarch64 OpenSSL 3/,
    ],
  ];
  for (const [name, program, args, expected] of cases) {
    test(name, async () => {
      const item = items.find(one => one.name === name);
      assert.ok(item);
      assert.match(await runArm64(root, `${item.path}/bin/${program}`, ...args), expected);
    });
  }
});

test('a package whose build runs its own programs cannot be built here, and says why', async context => {
  const isEmulated = await access('/proc/sys/fs/binfmt_misc/qemu-aarch64').then(
    () => true,
    () => false,
  );
  if (isEmulated) return context.skip('the kernel runs programs for ARM here');
  const [compiled] = found(await resolveNames(set, ['compiled-hello']));
  assert.ok(compiled);
  await assert.rejects(realise(set.nix, [compiled], { signal }), (error: unknown) => {
    assert.ok(error instanceof PermanentError && error.failure.kind === 'build_failed');
    assert.match(error.failure.log ?? '', /executing .*\/bin\/bash': Exec format error/);
    return true;
  });
});
