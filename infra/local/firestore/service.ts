// The methods of google.firestore.v1.Firestore. What is not here, gRPC refuses with UNIMPLEMENTED and the name.
import type { Message, ServerStreamHandler, ServiceHandlers } from '#local/grpc-server.ts';
import { RpcError, status } from '#local/grpc-server.ts';
import { parseAggregations } from './aggregation.ts';
import { parseMask, toWireDocument } from './answers.ts';
import { toTimestamp, type Clock } from './clock.ts';
import { commitWrites } from './commit.ts';
import { invalid, unsupported } from './errors.ts';
import { serveListen } from './listen.ts';
import { listCollectionIds, listDocuments } from './listing.ts';
import { parseDatabaseName, parseDocumentNameIn } from './names.ts';
import { parseQuery } from './query.ts';
import type { DocumentStore } from './store.ts';
import { Transactions } from './transactions.ts';
import type * as wire from './wire.ts';
import { parseWrites, type Write } from './writes.ts';

export function firestoreHandlers(store: DocumentStore, clock: Clock): ServiceHandlers {
  const transactions = new Transactions(store, clock);

  const batchGetDocuments = (request: wire.BatchGetDocumentsRequest): Message[] => {
    const database = parseDatabaseName(request.database);
    const names = new Set(request.documents.map(name => parseDocumentNameIn(database, name)));
    const mask = parseMask(request.mask?.fieldPaths);
    const { reader, begun } = transactions.reader(request);
    const readTime = toTimestamp(reader.time);
    const answers = [...names].map(name => {
      const document = reader.document(name);
      return document ? { found: toWireDocument(document, mask), readTime } : { missing: name, readTime };
    });
    return withTransaction(begun, answers);
  };

  const runQuery = (request: wire.RunQueryRequest): Message[] => {
    if (request.explainOptions) unsupported('explaining a query');
    const query = parseQuery(request.parent, request.structuredQuery);
    const mask = parseMask(request.structuredQuery?.select?.fields.map(({ fieldPath }) => fieldPath));
    const { reader, begun } = transactions.reader(request);
    const readTime = toTimestamp(reader.time);
    const answers = reader
      .run(query)
      .map(document => ({ document: toWireDocument(document, mask), readTime }));
    return withTransaction(begun, [...answers, { readTime, done: true }]);
  };

  const runAggregationQuery = (request: wire.RunAggregationQueryRequest): Message[] => {
    if (request.explainOptions) unsupported('explaining a query');
    const { structuredQuery, aggregations = [] } = request.structuredAggregationQuery ?? {};
    const aggregate = parseAggregations(aggregations);
    const query = parseQuery(request.parent, structuredQuery);
    const { reader, begun } = transactions.reader(request);
    const aggregateFields = aggregate(reader.run(query).length);
    return withTransaction(begun, [{ result: { aggregateFields }, readTime: toTimestamp(reader.time) }]);
  };

  const commit = (request: wire.CommitRequest): Message => {
    const writes = parseWrites(request);
    if (request.transaction?.length) transactions.finish(request.transaction, writes.length);
    const now = clock.tick();
    return { writeResults: commitWrites(store, writes, now), commitTime: toTimestamp(now) };
  };

  /** Each write for itself: one that fails does not stop the others. */
  const batchWrite = (request: wire.BatchWriteRequest): Message => {
    const writes = parseWrites(request);
    if (new Set(writes.map(({ name }) => name)).size < writes.length) {
      invalid('the same document cannot be written more than once in a single request');
    }
    const outcomes = writes.map(write => tryCommit(store, write, clock));
    return {
      writeResults: outcomes.map(({ result }) => result),
      status: outcomes.map(outcome => outcome.status),
    };
  };

  return {
    unary: {
      BeginTransaction: ({ options }: wire.BeginTransactionRequest) => ({
        transaction: transactions.begin(options),
      }),
      Rollback: ({ transaction }: wire.RollbackRequest) => {
        transactions.rollback(transaction ?? new Uint8Array());
        return {};
      },
      Commit: commit,
      BatchWrite: batchWrite,
      ListDocuments: (request: wire.ListDocumentsRequest) => {
        const mask = parseMask(request.mask?.fieldPaths);
        const { reader } = transactions.reader(withoutTransaction(request));
        const { items, nextPageToken } = listDocuments(store, request, reader.time);
        const documents = items.map(item => (item.fields ? toWireDocument(item, mask) : { name: item.name }));
        return { documents, nextPageToken };
      },
      ListCollectionIds: (request: wire.ListCollectionIdsRequest) => {
        const { reader } = transactions.reader(request);
        const { items, nextPageToken } = listCollectionIds(store, request, reader.time);
        return { collectionIds: items, nextPageToken };
      },
    },
    serverStream: {
      BatchGetDocuments: streamed(batchGetDocuments),
      RunQuery: streamed(runQuery),
      RunAggregationQuery: streamed(runAggregationQuery),
    },
    bidi: { Listen: call => serveListen(call, store, clock) },
  };
}

/** All answers are made before the first is sent, so that they are of one state. */
function streamed(handler: (request: never) => Message[]): ServerStreamHandler {
  return async function* (request: never) {
    yield* handler(request);
  };
}

/** The first answer carries the id of the transaction that the request began. */
function withTransaction(begun: Message | undefined, answers: readonly Message[]): Message[] {
  if (!begun) return [...answers];
  const [first = {}, ...rest] = answers;
  return [{ ...begun, ...first }, ...rest];
}

function withoutTransaction(request: wire.ListDocumentsRequest): wire.ListDocumentsRequest {
  return request.transaction?.length ? unsupported('ListDocuments in a transaction') : request;
}

interface WriteOutcome {
  readonly result: wire.WriteResult;
  readonly status: { readonly code: number; readonly message?: string };
}

function tryCommit(store: DocumentStore, write: Write, clock: Clock): WriteOutcome {
  try {
    const [result = {}] = commitWrites(store, [write], clock.tick());
    return { result, status: { code: status.OK } };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return { result: {}, status: { code: error.code, message: error.message } };
  }
}
