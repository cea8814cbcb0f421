// What the stand-in does not do is refused by name. The official emulator does much of it, so this is ours alone.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { startFirestore, type FirestoreStandIn } from '#local/firestore/server.ts';
import { Inbox } from './inbox.ts';
import { DATABASE, RawClient, ROOT } from './raw-client.ts';

const one = { integerValue: 1 };
const field = { fieldPath: 'a' };
const from = [{ collectionId: 'c' }];
const where = (op: string): object => ({ from, where: { fieldFilter: { field, op, value: one } } });
const unary = (op: string): object => ({ from, where: { unaryFilter: { field, op } } });

const refusedQueries: Readonly<Record<string, object>> = {
  NOT_EQUAL: where('NOT_EQUAL'),
  NOT_IN: where('NOT_IN'),
  ARRAY_CONTAINS_ANY: where('ARRAY_CONTAINS_ANY'),
  'operator 99': where(99 as never),
  IS_NOT_NULL: unary('IS_NOT_NULL'),
  IS_NOT_NAN: unary('IS_NOT_NAN'),
  OR: { from, where: { compositeFilter: { op: 'OR', filters: [] } } },
  'collection group': { from: [{ collectionId: 'c', allDescendants: true }] },
  'all collections': { from: [] },
  findNearest: { from, findNearest: { vectorField: field } },
};

const refusedWrites: Readonly<Record<string, object>> = {
  functionValue: { update: { name: `${ROOT}/c/d`, fields: { a: { functionValue: { name: 'f' } } } } },
  __id7__: { update: { name: `${ROOT}/c/__id7__` } },
};

const structuredQuery = { from };
const refusedStreams: readonly (readonly [feature: string, method: string, request: object])[] = [
  ['explaining', 'RunQuery', { parent: ROOT, structuredQuery, explainOptions: {} }],
  ['aggregation sum', 'RunAggregationQuery', aggregation({ sum: { field } })],
  ['aggregation avg', 'RunAggregationQuery', aggregation({ avg: { field } })],
  ['ExecutePipeline', 'ExecutePipeline', { database: DATABASE }],
];

const refusedCalls: readonly (readonly [feature: string, method: string, request: object])[] = [
  ['without a collection', 'ListDocuments', { parent: ROOT }],
  ['order_by', 'ListDocuments', { parent: ROOT, collectionId: 'c', orderBy: 'a' }],
  ['in a transaction', 'ListDocuments', { parent: ROOT, collectionId: 'c', transaction: Buffer.from('t') }],
  ['GetDocument', 'GetDocument', { name: `${ROOT}/c/d` }],
  ['CreateDocument', 'CreateDocument', { parent: ROOT, collectionId: 'c' }],
  ['UpdateDocument', 'UpdateDocument', {}],
  ['DeleteDocument', 'DeleteDocument', {}],
  ['PartitionQuery', 'PartitionQuery', {}],
];

function aggregation(operator: object): object {
  return { parent: ROOT, structuredAggregationQuery: { structuredQuery, aggregations: [operator] } };
}

describe('refusals', { timeout: 20_000 }, () => {
  let server: FirestoreStandIn;
  let raw: RawClient;
  before(async () => {
    server = await startFirestore();
    raw = await RawClient.connect(server.address);
  });
  after(async () => {
    raw.close();
    await server.close();
  });
  const isRefused = (promise: Promise<unknown>, feature: string): Promise<void> =>
    assert.rejects(promise, { code: status.UNIMPLEMENTED, details: new RegExp(feature) });

  for (const [feature, query] of Object.entries(refusedQueries)) {
    test(`queries: ${feature}`, async () => {
      const request = { parent: ROOT, structuredQuery: query };
      await isRefused(raw.collect('RunQuery', request), feature);
      const inbox = new Inbox<{ targetChange?: { cause?: { code: number; message: string } } }>();
      const stream = raw.open('Listen').on('data', inbox.push).on('error', inbox.fail);
      stream.write({ addTarget: { targetId: 1, query: request } });
      const { targetChange } = await inbox.until(answer => answer.targetChange?.cause !== undefined);
      assert.equal(targetChange?.cause?.code, status.UNIMPLEMENTED);
      stream.end();
    });
  }
  for (const [feature, write] of Object.entries(refusedWrites)) {
    test(`writes: ${feature}`, () =>
      isRefused(raw.call('Commit', { database: DATABASE, writes: [write] }), feature));
  }
  for (const [feature, method, request] of refusedStreams) {
    test(`${method}: ${feature}`, () => isRefused(raw.collect(method, request), feature));
  }
  for (const [feature, method, request] of refusedCalls) {
    test(`${method}: ${feature}`, () => isRefused(raw.call(method, request), feature));
  }
  for (const [method, request] of [
    ['Write', { database: DATABASE }],
    ['Listen', { addTarget: { targetId: 1, once: true, documents: { documents: [`${ROOT}/c/d`] } } }],
    ['Listen', {}],
  ] as const) {
    test(`${method} ${JSON.stringify(request)}`, async () => {
      const inbox = new Inbox<object>();
      raw
        .open(method)
        .on('data', () => undefined)
        .on('error', inbox.push)
        .write(request);
      assert.equal(((await inbox.next()) as { code: number }).code, status.UNIMPLEMENTED);
    });
  }
});

const heartbeat =
  'a Listen stream says every 30 s that all is well: the client library drops one that is silent for 120 s';
test(heartbeat, { timeout: 10_000 }, async t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const server = await startFirestore();
  const raw = await RawClient.connect(server.address);
  t.after(() => {
    raw.close();
    return server.close();
  });
  const inbox = new Inbox<{ targetChange?: { targetChangeType: string; targetIds: number[] } }>();
  const stream = raw.open('Listen').on('data', inbox.push).on('error', inbox.fail);
  stream.write({ addTarget: { targetId: 1, documents: { documents: [`${ROOT}/c/d`] } } });
  await inbox.until(({ targetChange }) => targetChange?.targetChangeType === 'NO_CHANGE');
  assert.equal(inbox.size, 0);
  for (let beat = 0; beat < 3; beat += 1) {
    t.mock.timers.tick(30_000);
    const { targetChange } = await inbox.next();
    assert.equal(targetChange?.targetChangeType, 'NO_CHANGE');
    assert.deepEqual(targetChange.targetIds, []);
  }
});
