// What a document may be called and hold. Sent without the client library, which would refuse some of it itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import type { Suite } from '../backends.ts';
import { DATABASE, freshCollection, ROOT } from '../raw-client.ts';

const one = { integerValue: 1 };
const nested = (levels: number): object =>
  levels === 0 ? one : { mapValue: { fields: { a: nested(levels - 1) } } };
const bytes = (length: number): object => ({ bytesValue: Buffer.alloc(length) });
const list = (...values: object[]): object => ({ arrayValue: { values } });

/** `…/documents/c/d` with two fields `a` and `b`: all but their bytes. */
const OVERHEAD = 16 + 2 + 2 + 32 + 2 + 2;
const MEBIBYTE = 1_048_576;

const badFields: Readonly<Record<string, object>> = {
  'a value of no type': { a: {} },
  'a list in a list': { a: list(list()) },
  'a reserved field name': { __a__: one },
  'an empty field name': { '': one },
  'a field name of 1501 bytes': { ['x'.repeat(1501)]: one },
  '21 levels of maps': { a: nested(21) },
  'a reference to no document': { a: { referenceValue: 'a/b' } },
  'a latitude of 100': { a: { geoPointValue: { latitude: 100 } } },
  'a time after the year 9999': { a: { timestampValue: { seconds: '999999999999' } } },
  'a value of more than 1 MiB - 89': { a: bytes(MEBIBYTE - 88) },
};

const goodFields: Readonly<Record<string, object>> = {
  '20 levels of maps': { a: nested(20) },
  'a field name of 1500 bytes': { ['x'.repeat(1500)]: one },
  'a value of 1 MiB - 89': { a: bytes(MEBIBYTE - 89) },
};

const badNames: Readonly<Record<string, string>> = {
  'no resource name': 'a/b',
  'a collection': `${ROOT}/c`,
  'an empty id': `${ROOT}/c//d/e`,
  'a dot': `${ROOT}/c/.`,
  'two dots': `${ROOT}/c/..`,
  'a reserved id': `${ROOT}/c/__x__`,
  'a reserved collection': `${ROOT}/__c__/d`,
};

export const limits: Suite = backend => {
  const commit = (...writes: object[]): Promise<unknown> =>
    backend.raw.call('Commit', { database: DATABASE, writes });
  const set = (name: string, fields: object): object => ({ update: { name, fields } });
  const isRefused = (promise: Promise<unknown>): Promise<void> =>
    assert.rejects(promise, { code: status.INVALID_ARGUMENT });

  for (const [what, fields] of Object.entries(badFields)) {
    test(`refused: ${what}`, () => isRefused(commit(set(`${ROOT}/c/d`, fields))));
  }
  for (const [what, fields] of Object.entries(goodFields)) {
    test(`taken: ${what}`, async () => {
      await commit(set(`${ROOT}/c/d`, fields));
    });
  }
  for (const [what, name] of Object.entries(badNames)) {
    test(`refused as a document's name: ${what}`, async () => {
      await isRefused(commit(set(name, {})));
      await isRefused(commit({ delete: name }));
      await isRefused(backend.raw.collect('BatchGetDocuments', { database: DATABASE, documents: [name] }));
    });
  }

  test('an id may have 1500 bytes, and not one more', async () => {
    await commit(set(`${ROOT}/c/${'x'.repeat(1500)}`, {}));
    await isRefused(commit(set(`${ROOT}/c/${'x'.repeat(1501)}`, {})));
  });

  test('a document may have 1 MiB with its name, and not a byte more', async () => {
    const fields = (total: number): object => ({
      a: bytes(500_000),
      b: bytes(total - OVERHEAD - 500_000),
    });
    await commit(set(`${ROOT}/c/d`, fields(MEBIBYTE)));
    await isRefused(commit(set(`${ROOT}/c/d`, fields(MEBIBYTE + 1))));
  });

  test('transforms count towards the size', async () => {
    const name = `${ROOT}/${freshCollection()}/d`;
    await commit(set(name, { a: list(bytes(600_000)) }));
    const append = { fieldPath: 'a', appendMissingElements: { values: [bytes(500_000)] } };
    await isRefused(commit({ transform: { document: name, fieldTransforms: [append] } }));
  });

  test('a commit may have 10 MiB', { skip: backend.differsIn('request size') }, async () => {
    const collection = freshCollection();
    const documents = (count: number): object[] =>
      Array.from({ length: count }, (_, index) =>
        set(`${ROOT}/${collection}/${index}`, { a: bytes(1_000_000) }),
      );
    await commit(...documents(10));
    await isRefused(commit(...documents(11)));
  });

  test('documents of another database', { skip: backend.differsIn('foreign documents') }, () =>
    isRefused(commit(set('projects/other/databases/(default)/documents/c/d', {}))),
  );

  test('one bad write, and nothing of the commit is written', async () => {
    const collection = freshCollection();
    await isRefused(
      commit(set(`${ROOT}/${collection}/a`, {}), set(`${ROOT}/${collection}/b`, { __a__: one })),
    );
    assert.equal((await backend.firestore.collection(collection).get()).size, 0);
  });
};
