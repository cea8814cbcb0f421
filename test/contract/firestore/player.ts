// Plays operations against one server, and tells what came of them in words that do not depend on the server's clock.
import type { Timestamp } from '#local/firestore/wire.ts';
import type { Operation, RandomWrite } from './operations.ts';
import { DATABASE, freshCollection, ROOT, type RawClient } from './raw-client.ts';

interface WireDocument {
  readonly name: string;
  readonly fields: object;
  readonly createTime: Timestamp;
  readonly updateTime: Timestamp;
}

/** What an operation answered, and all documents after it. */
export interface Turn {
  readonly answer: unknown;
  readonly state: unknown;
}

export class Player {
  readonly #raw: RawClient;
  readonly #collection = freshCollection();
  /** Times of the server, each named by the operation that it was first seen at. */
  readonly #times = new Map<string, string>();
  #versions = new Map<string, Timestamp>();
  #turns = 0;

  constructor(raw: RawClient) {
    this.#raw = raw;
  }

  async play(operation: Operation): Promise<Turn> {
    this.#turns += 1;
    const answer = await this.#answer(operation).catch(toCode);
    const documents = await this.#query({});
    this.#versions = new Map(documents.map(({ name, updateTime }) => [name, updateTime]));
    return { answer: this.#plain(answer), state: this.#plain(documents) };
  }

  async #answer(operation: Operation): Promise<unknown> {
    switch (operation.kind) {
      case 'commit':
        return this.#commit(operation.writes);
      case 'batchWrite': {
        const request = { database: DATABASE, writes: operation.writes.map(write => this.#toWire(write)) };
        const { writeResults, status } = await this.#raw.call<BatchWriteAnswer>('BatchWrite', request);
        return { writeResults, codes: status.map(({ code = 0 }) => code) };
      }
      case 'transaction':
        return this.#transaction(operation);
      case 'get': {
        const mask = operation.mask && { fieldPaths: operation.mask };
        return this.#get(operation.ids, { mask });
      }
      case 'query':
        return this.#query(operation.query);
      case 'count': {
        const structuredAggregationQuery = {
          structuredQuery: this.#withCollection(operation.query),
          aggregations: [{ count: {} }],
        };
        const answers = await this.#raw.collect<{ result: object }>('RunAggregationQuery', {
          parent: ROOT,
          structuredAggregationQuery,
        });
        return answers.map(({ result }) => result);
      }
    }
  }

  async #transaction(operation: Operation & { kind: 'transaction' }): Promise<unknown> {
    const request = { database: DATABASE };
    const { transaction } = await this.#raw.call<{ transaction: Buffer }>('BeginTransaction', request);
    const read = operation.reads.length === 0 ? [] : await this.#get(operation.reads, { transaction });
    const found = await this.#query(operation.query, { transaction }).catch(toCode);
    const committed =
      operation.end === 'rollback'
        ? 'not'
        : await this.#commit(operation.writes, { transaction }).catch(toCode);
    // As the client library does it, also after a failure: the emulator's locks would stay.
    await this.#raw.call('Rollback', { ...request, transaction }).catch(toCode);
    return { read, found, committed };
  }

  #commit(writes: readonly RandomWrite[], extra: object = {}): Promise<object> {
    const request = { database: DATABASE, writes: writes.map(write => this.#toWire(write)), ...extra };
    return this.#raw.call('Commit', request);
  }

  async #get(ids: readonly string[], extra: object): Promise<object[]> {
    const request = { database: DATABASE, documents: ids.map(id => this.#nameOf(id)), ...extra };
    const answers = await this.#raw.collect<{ found?: WireDocument; missing?: string }>(
      'BatchGetDocuments',
      request,
    );
    const entries = answers.map(({ found, missing = found?.name ?? '' }) => ({ name: missing, found }));
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #query(query: object, extra: object = {}): Promise<WireDocument[]> {
    const request = { parent: ROOT, structuredQuery: this.#withCollection(query), ...extra };
    const answers = await this.#raw.collect<{ document?: WireDocument }>('RunQuery', request);
    return answers.flatMap(({ document }) => document ?? []);
  }

  #withCollection(query: object): object {
    return { ...query, from: [{ collectionId: this.#collection }] };
  }

  #toWire({ id, kind, fields, mask, transforms, precondition }: RandomWrite): object {
    const name = this.#nameOf(id);
    const condition = { currentDocument: this.#toPrecondition(name, precondition) };
    switch (kind) {
      case 'set':
        return { update: { name, fields }, updateTransforms: transforms, ...condition };
      case 'merge':
        return {
          update: { name, fields },
          updateMask: { fieldPaths: mask },
          updateTransforms: transforms,
          ...condition,
        };
      case 'delete':
        return { delete: name, ...condition };
      case 'transform':
        return { transform: { document: name, fieldTransforms: transforms }, ...condition };
    }
  }

  #toPrecondition(name: string, precondition: RandomWrite['precondition']): object | undefined {
    if (precondition === 'current') return { updateTime: this.#versions.get(name) ?? { seconds: 1 } };
    return precondition === 'outdated' ? { updateTime: { seconds: 1 } } : precondition;
  }

  #nameOf(id: string): string {
    return `${ROOT}/${this.#collection}/${id}`;
  }

  /** The same for both servers when they mean the same. */
  #plain(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(element => this.#plain(element));
    if (typeof value === 'string') return value.replace(this.#collection, 'collection');
    if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
    if (isServerTime(value)) return this.#timeName(value);
    const entries = Object.entries(value).filter(
      ([key, inner]) => key !== 'commitTime' && !isDefault(key, inner),
    );
    return Object.fromEntries(entries.map(([key, inner]) => [key, this.#plain(inner)]));
  }

  #timeName(time: Timestamp): string {
    const key = `${time.seconds}.${time.nanos}`;
    const name = this.#times.get(key) ?? `time of operation ${this.#turns}`;
    this.#times.set(key, name);
    return name;
  }
}

interface BatchWriteAnswer {
  readonly writeResults: readonly object[];
  readonly status: readonly { readonly code?: number }[];
}

function toCode(error: unknown): { code: unknown } {
  if (error instanceof Error && 'code' in error) return { code: error.code };
  throw error;
}

/** On the wire, a scalar at its default may be there or not. */
function isDefault(key: string, value: unknown): boolean {
  return ['latitude', 'longitude', 'seconds', 'nanos'].includes(key) && Number(value) === 0;
}

/** The times of the operations lie decades before those of the server. */
function isServerTime(value: object): value is Timestamp {
  return 'seconds' in value && Number(value.seconds) > 1_000_000_000;
}
