// 10,000 names that no package has, through the parser, the key and the resolver: none of them is ever code, a path or a word
// of a shell. A file that is named by many of them, a canary, is never touched.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import { RegistryError } from '#core/errors.ts';
import { parseImageRequest, requestKey } from '#core/image-request.ts';
import { parseRepositoryName, parseTag } from '#core/reference.ts';
import { offerOf, SETTINGS } from '#test/core/deployment.ts';
import type { ResolvedItem } from '#worker/nix/resolve.ts';
import { debianSet, resolveNames, type DebianSet } from './debian-set.ts';
import { hostileName } from './hostile-names.ts';

/** Of names, and how many there are in one run of the property. */
const NAMES = 10_000;
const AT_ONCE = 1_000;

/** Bytes of names in one evaluation: a command has an end (MAX_ARG_STRLEN of Linux), and an image has 64 packages. */
const BATCH_BYTES = 12_000;

/** What the canary holds: the first half occurs in names, the second nowhere else. */
const KNOWN = 'canary-content-known';
const SECRET = 'canary-content-secret';

suite('hostile names', { timeout: 240_000 }, () => {
  let set: DebianSet;
  let folder: string;
  let canary: string;
  /** Whether the file system keeps the time of the last read. */
  let seesReads: boolean;
  before(async () => {
    set = await debianSet();
    folder = await mkdtemp(join(tmpdir(), 'derivery-canary-'));
    canary = join(folder, 'canary');
    await writeFile(canary, `${KNOWN}-${SECRET}`);
    await forgetReads();
    const unread = (await stat(canary)).atimeMs;
    await readFile(canary);
    seesReads = (await stat(canary)).atimeMs !== unread;
    await forgetReads();
  });
  after(() => rm(folder, { recursive: true }));

  /** The next read changes the time of the last one (mount(8), relatime). */
  async function forgetReads(): Promise<void> {
    await utimes(canary, 1, new Date());
  }

  async function untouched(): Promise<string> {
    const { size, mode, mtimeMs, ctimeMs, atimeMs } = await stat(canary);
    return JSON.stringify({
      files: await readdir(folder),
      size,
      mode,
      mtimeMs,
      ctimeMs,
      read: seesReads && atimeMs,
    });
  }

  test('T16, T17: are refused, or are packages that are not there', async () => {
    const first = await untouched();
    await fc.assert(
      fc.asyncProperty(
        fc.array(hostileName(canary, KNOWN), { minLength: AT_ONCE, maxLength: AT_ONCE, size: 'max' }),
        async names => {
          const packages = new Set([...names, ...names.flatMap(packagesOf)]);
          for (const batch of batches([...packages])) {
            const items = await resolveNames(set, batch);
            assert.equal(items.length, batch.length);
            for (const [at, item] of items.entries()) assertHarmless(batch[at] ?? '', item);
          }
          assert.equal(await untouched(), first, 'the canary was touched');
        },
      ),
      { numRuns: NAMES / AT_ONCE, endOnFailure: true },
    );
    assert.match(await readFile(canary, 'utf8'), new RegExp(`^${KNOWN}-${SECRET}$`));
  });

  function assertHarmless(name: string, item: ResolvedItem): void {
    const { name: asked, ...told } = item;
    assert.equal(asked, name);
    const said = JSON.stringify(told);
    assert.ok(!said.includes(SECRET) && !said.includes(KNOWN), `${JSON.stringify(name)}: ${said}`);
    if (item.kind === 'found') {
      // A package that is there by another spelling of its name, and by nothing else.
      assert.match(name, /^[A-Za-z0-9_.+-]+$/);
      return;
    }
    assert.ok(item.kind === 'not_found' || item.kind === 'not_a_package', `${JSON.stringify(name)}: ${said}`);
  }
});

/** The packages that a client would be given for the name; none where it is refused, in words of ours. */
function packagesOf(name: string): readonly string[] {
  try {
    const request = parseImageRequest(parseRepositoryName(name), parseTag('latest'), offerOf());
    assert.match(requestKey(request, SETTINGS), /^[0-9a-f]{64}$/);
    for (const one of request.packages) assert.equal(basename(one), one);
    return request.packages;
  } catch (error) {
    assert.ok(error instanceof RegistryError, String(error));
    assert.doesNotMatch(error.message, /canary/);
    return [];
  }
}

/** The names in their order, in parts that fit into one command. */
function batches(names: readonly string[]): string[][] {
  const all: string[][] = [[]];
  let bytes = 0;
  for (const name of names) {
    const size = JSON.stringify(name).length + 20;
    if (bytes + size > BATCH_BYTES) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)?.push(name);
    bytes += size;
  }
  return all;
}
