import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { TransientError } from '#core/errors.ts';
import type { ImageRequest } from '#core/image-request.ts';
import type { PackageSource } from '#core/package-source.ts';
import { EVERY_REF } from '#core/git-ref.ts';
import { sourceKey } from '#core/source-document.ts';
import { createRevisions, type Revisions } from '#worker/revisions.ts';
import type { FoundRevision } from '#worker/source/found-revision.ts';
import type { PackageSources } from '#worker/source/package-sources.ts';
import { Cloud } from '#test/cloud.ts';
import { collectLog } from '#test/collected-log.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

const never = new AbortController().signal;
const HOUR_MS = 3_600_000;

/** A repository that no other test has. */
function newRepository(): PackageSource {
  return { kind: 'git', url: `https://example.org/${randomBytes(8).toString('hex')}` };
}

/** A worker's revisions over a source of the test's, which counts how often it is asked. */
function revisionsOf(answer: () => FoundRevision | Error, freshMs = HOUR_MS, refs: readonly string[] = []) {
  const asked: string[] = [];
  const { log } = collectLog();
  const packageSources: PackageSources = {
    find: async (_source, ref) => {
      asked.push(ref);
      const found = answer();
      if (found instanceof Error) throw found;
      return found;
    },
    listRefs: async () => refs,
    fetch: () => assert.fail('nothing is to be evaluated'),
  };
  return { asked, revisions: createRevisions({ sources: cloud.sources, packageSources, freshMs, log }) };
}

const found = (revision: string): FoundRevision => ({ revision, gitRef: 'refs/heads/main' });

/** Notes that a worker is asked to look, as a pull does. */
async function ask(request: Pick<ImageRequest, 'source' | 'ref'>): Promise<void> {
  const key = sourceKey(request);
  assert.ok(await cloud.sources.ask(key, request, await cloud.sources.read(key)));
}

async function known(request: Pick<ImageRequest, 'source' | 'ref'>) {
  return (await cloud.sources.read(sourceKey(request))).document?.resolved;
}

describe('the revision to make an image at', () => {
  const get = (revisions: Revisions, request: ImageRequest) => revisions.forImage(request, 17, never);

  test('is looked for once, for all the images of a source', async () => {
    const source = newRepository();
    const { asked, revisions } = revisionsOf(() => found('r1'));
    const first = await get(revisions, cloud.newImage(source).request);
    const others = [1, 2, 3].map(() => get(revisions, cloud.newImage(source).request));
    for (const other of await Promise.all(others)) {
      assert.deepEqual(
        [other.revision, other.gitRef, other.checkedAt],
        ['r1', 'refs/heads/main', first.checkedAt],
      );
    }
    assert.deepEqual(asked, ['latest']);
  });

  test('is another for another ref and another source', async () => {
    const { request } = cloud.newImage(newRepository());
    let count = 0;
    const { revisions } = revisionsOf(() => found(`r${(count += 1)}`));
    assert.equal((await get(revisions, request)).revision, 'r1');
    assert.equal((await get(revisions, { ...request, ref: 'main' })).revision, 'r2');
    assert.equal((await get(revisions, { ...request, source: newRepository() })).revision, 'r3');
    assert.equal((await get(revisions, request)).revision, 'r1');
  });

  test('is looked for again where the last look is too old', async () => {
    const { request } = cloud.newImage(newRepository());
    const first = await get(revisionsOf(() => found('r1')).revisions, request);
    const second = await get(revisionsOf(() => found('r2'), 0).revisions, request);
    assert.equal(second.revision, 'r2');
    assert.ok(second.checkedAt >= first.checkedAt);
    assert.equal((await known(request))?.revision, 'r2', 'and all others go by it');
  });

  test('is remembered when the source has left it, and not for a look that finds nothing new', async () => {
    const { request } = cloud.newImage(newRepository());
    for (const revision of ['r1', 'r1', 'r2', 'r2']) {
      await get(revisionsOf(() => found(revision), 0).revisions, request);
    }
    assert.deepEqual(
      (await known(request))?.earlier.map(({ revision }) => revision),
      ['r1'],
    );
  });

  test('of a folder is looked for each time: what it held is not there any more', async () => {
    const folder = `/srv/${randomBytes(8).toString('hex')}`;
    const source = { kind: 'path', folder } as const;
    const { asked, revisions } = revisionsOf(() => ({ revision: `r${asked.length}`, gitRef: undefined }));
    assert.equal((await get(revisions, cloud.newImage(source).request)).revision, 'r1');
    const { request } = cloud.newImage(source);
    assert.equal((await get(revisions, request)).revision, 'r2');
    assert.equal((await known(request))?.revision, 'r2');
  });

  test('that a commit names is that commit, and nobody else is told', async () => {
    const { request } = cloud.newImage(newRepository());
    const pinned = { ...request, ref: 'a'.repeat(40) };
    const { revisions } = revisionsOf(() => ({ revision: pinned.ref, gitRef: undefined }));
    assert.deepEqual(await get(revisions, pinned), {
      revision: pinned.ref,
      gitRef: undefined,
      checkedAt: 17,
    });
    assert.equal((await cloud.sources.read(sourceKey(pinned))).document, undefined);
  });

  test('is not known where the source does not answer, and nothing is written', async () => {
    const { request } = cloud.newImage(newRepository());
    const { revisions } = revisionsOf(() => new TransientError('no answer'));
    await assert.rejects(get(revisions, request), { message: 'no answer' });
    assert.equal((await cloud.sources.read(sourceKey(request))).document, undefined);
  });
});

describe('a source that is to be looked at', () => {
  test('is looked at once, however many hints say so', async () => {
    const { request } = cloud.newImage(newRepository());
    await ask(request);
    const { asked, revisions } = revisionsOf(() => found('r1'));
    for (const _ of [1, 2, 3]) await revisions.refresh(sourceKey(request), never);
    assert.deepEqual(asked, ['latest']);
    const { document } = await cloud.sources.read(sourceKey(request));
    assert.deepEqual([document?.resolved?.revision, document?.resolved?.gitRef], ['r1', 'refs/heads/main']);
    assert.equal(document?.askedAt, undefined, 'the question is answered');
  });

  test('is looked at again when what is known of it has grown old', async () => {
    const { request } = cloud.newImage(newRepository());
    await ask(request);
    await revisionsOf(() => found('r1'), 0).revisions.refresh(sourceKey(request), never);
    await revisionsOf(() => found('r2'), 0).revisions.refresh(sourceKey(request), never);
    assert.equal((await known(request))?.revision, 'r2');
  });

  test('that nobody has a document of is not looked at', async () => {
    const { request } = cloud.newImage(newRepository());
    const { asked, revisions } = revisionsOf(() => found('r1'));
    await revisions.refresh(sourceKey(request), never);
    assert.deepEqual(asked, []);
  });
});

describe('the branches and tags of a repository', () => {
  /** What a document says of them, once it says something. */
  async function listed(source: PackageSource): Promise<string> {
    for (;;) {
      const { document } = await cloud.sources.read(sourceKey({ source, ref: EVERY_REF }));
      if (document?.refs !== undefined) return document.refs.names;
    }
  }

  test('are listed when they are asked for, and not again while that is recent', async () => {
    const source = newRepository();
    const key = sourceKey({ source, ref: EVERY_REF });
    await cloud.sources.ask(key, { source, ref: EVERY_REF }, await cloud.sources.read(key));
    const { asked, revisions } = revisionsOf(() => found('r1'), HOUR_MS, ['b', 'a/x', 'b']);
    await revisions.refresh(key, never);
    assert.equal(await listed(source), 'a/x\nb');
    assert.deepEqual(asked, []);
    assert.equal((await cloud.sources.read(key)).document?.askedAt, undefined, 'the question is answered');
    await revisionsOf(() => found('r1'), HOUR_MS, ['newer']).revisions.refresh(key, never);
    assert.equal(await listed(source), 'a/x\nb');
    await revisionsOf(() => found('r1'), 0, ['newer']).revisions.refresh(key, never);
    assert.equal(await listed(source), 'newer');
  });

  test('are listed beside an image that is made, and are not in the way of its revision', async () => {
    const source = newRepository();
    const { request } = cloud.newImage(source);
    const { revisions } = revisionsOf(() => found('r1'), HOUR_MS, ['main']);
    assert.equal((await revisions.forImage(request, 17, never)).revision, 'r1');
    assert.equal(await listed(source), 'main');
    assert.equal((await known(request))?.revision, 'r1');
  });
});
