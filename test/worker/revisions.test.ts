import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { TransientError } from '#core/errors.ts';
import type { ImageRequest } from '#core/image-request.ts';
import type { PackageSource } from '#core/package-source.ts';
import { sourceKey } from '#core/source-document.ts';
import { createRevisions, type Revisions } from '#worker/revisions.ts';
import type { FoundRevision } from '#worker/source/found-revision.ts';
import type { PackageSources } from '#worker/source/package-sources.ts';
import { Cloud } from '#test/cloud.ts';

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
function revisionsOf(answer: () => FoundRevision | Error, freshMs = HOUR_MS) {
  const asked: string[] = [];
  const packageSources: PackageSources = {
    find: async (_source, ref) => {
      asked.push(ref);
      const found = answer();
      if (found instanceof Error) throw found;
      return found;
    },
    fetch: () => assert.fail('nothing is to be evaluated'),
  };
  return { asked, revisions: createRevisions({ sources: cloud.sources, packageSources, freshMs }) };
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
