/**
 * The Listen stream: each target is a set of documents or a query, of which the client is told every change. The
 * order of messages is what client libraries rely on: ADD, the documents, CURRENT, and then a NO_CHANGE without
 * targets and with a time whenever all that was sent is one consistent state.
 */
import { RpcError, toStatusObject, type BidiCall } from '#local/grpc-server.ts';
import { toWireDocument } from './answers.ts';
import { toTimestamp, type Clock, type Micros } from './clock.ts';
import { unsupported } from './errors.ts';
import { collectionOf, parseDocumentName, type DocumentName } from './names.ts';
import { parseQuery } from './query.ts';
import type { DocumentStore } from './store.ts';
import type { StoredDocument } from './version.ts';
import type * as wire from './wire.ts';

/** The client library takes a stream for dead that is silent for 120 s. */
const HEARTBEAT_MILLISECONDS = 30_000;

/** What a target covers, and which of it is there at a time. */
interface Scope {
  covers(name: DocumentName): boolean;
  documentsAt(time: Micros): Iterable<StoredDocument>;
  /** Documents whose absence is to be told at the start. */
  readonly named: readonly DocumentName[];
}

interface Target {
  readonly id: number;
  readonly scope: Scope;
  /** The versions that the client has. */
  known: ReadonlyMap<DocumentName, Micros>;
}

/** Serves one Listen stream until it ends. */
export function serveListen(call: BidiCall, store: DocumentStore, clock: Clock): void {
  const stream = new ListenStream(call, store, clock);
  const stopWatching = store.onCommit((written, time) => stream.tell(written, time));
  const heartbeat = setInterval(() => stream.confirm(clock.tick()), HEARTBEAT_MILLISECONDS);
  heartbeat.unref();
  const stop = (): void => {
    stopWatching();
    clearInterval(heartbeat);
  };
  call.on('data', (request: wire.ListenRequest) => {
    try {
      stream.receive(request);
    } catch (error) {
      stop();
      call.emit('error', toStatusObject(error));
    }
  });
  call.on('end', () => {
    stop();
    call.end();
  });
  for (const event of ['cancelled', 'error', 'close']) call.on(event, stop);
}

class ListenStream {
  readonly #call: BidiCall;
  readonly #store: DocumentStore;
  readonly #clock: Clock;
  readonly #targets = new Map<number, Target>();

  constructor(call: BidiCall, store: DocumentStore, clock: Clock) {
    this.#call = call;
    this.#store = store;
    this.#clock = clock;
  }

  receive(request: wire.ListenRequest): void {
    switch (request.targetChange) {
      case 'addTarget':
        this.#add(request.addTarget ?? {});
        break;
      case 'removeTarget':
        this.#remove(request.removeTarget ?? 0);
        break;
      case undefined:
        unsupported('a Listen request that neither adds nor removes a target');
    }
  }

  /** Sends what a commit has changed in the targets. */
  tell(written: ReadonlySet<DocumentName>, time: Micros): void {
    const touched = [...this.#targets.values()].filter(({ scope }) =>
      [...written].some(name => scope.covers(name)),
    );
    const changed = touched.map(target => this.#sendChanges(target, time));
    if (changed.includes(true)) this.confirm(time);
  }

  /** Says that the client has everything up to `time`. */
  confirm(time: Micros): void {
    this.#sendTargetChange('NO_CHANGE', [], time);
  }

  #add(request: wire.ListenTarget): void {
    const { targetId: id = 0 } = request;
    if (request.once) unsupported('Listen targets that end by themselves (once)');
    this.#sendTargetChange('ADD', [id]);
    const scope = this.#scopeOrRemove(id, request);
    if (!scope) return;
    const target: Target = { id, scope, known: new Map() };
    this.#targets.set(id, target);
    const now = this.#clock.tick();
    // A client that comes back is sent everything again. RESET makes it forget the rest and report only what differs.
    if (request.resumeToken?.length || request.readTime) this.#sendTargetChange('RESET', [id], now);
    for (const name of scope.named) {
      if (!this.#store.documentAt(name, now)) this.#sendDelete(id, name, now);
    }
    this.#sendChanges(target, now);
    this.#sendTargetChange('CURRENT', [id], now);
    this.confirm(now);
  }

  /** A target that cannot be served is removed with the reason; the stream goes on. */
  #scopeOrRemove(id: number, request: wire.ListenTarget): Scope | undefined {
    try {
      return parseScope(request, this.#store);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      const { code, message } = error;
      this.#call.write({
        targetChange: { targetChangeType: 'REMOVE', targetIds: [id], cause: { code, message } },
      });
      return undefined;
    }
  }

  #remove(id: number): void {
    this.#targets.delete(id);
    this.#sendTargetChange('REMOVE', [id]);
  }

  /** Sends the difference between what the client knows and what is there; tells whether there was any. */
  #sendChanges(target: Target, time: Micros): boolean {
    const { id, scope, known } = target;
    const documents = [...scope.documentsAt(time)];
    const now = new Map(documents.map(({ name, updateTime }) => [name, updateTime]));
    const gone = [...known.keys()].filter(name => !now.has(name));
    const changed = documents.filter(({ name, updateTime }) => known.get(name) !== updateTime);
    for (const name of gone) {
      if (this.#store.documentAt(name, time)) this.#sendRemove(id, name, time);
      else this.#sendDelete(id, name, time);
    }
    for (const document of changed) {
      this.#call.write({ documentChange: { document: toWireDocument(document), targetIds: [id] } });
    }
    target.known = now;
    return gone.length + changed.length > 0;
  }

  #sendDelete(id: number, name: DocumentName, time: Micros): void {
    const readTime = toTimestamp(time);
    this.#call.write({ documentDelete: { document: name, removedTargetIds: [id], readTime } });
  }

  /** The document is still there, but no longer in the target. */
  #sendRemove(id: number, name: DocumentName, time: Micros): void {
    const readTime = toTimestamp(time);
    this.#call.write({ documentRemove: { document: name, removedTargetIds: [id], readTime } });
  }

  #sendTargetChange(targetChangeType: string, targetIds: readonly number[], time?: Micros): void {
    const at = time === undefined ? {} : { readTime: toTimestamp(time), resumeToken: toResumeToken(time) };
    this.#call.write({ targetChange: { targetChangeType, targetIds, ...at } });
  }
}

function parseScope({ documents, query }: wire.ListenTarget, store: DocumentStore): Scope {
  if (documents) {
    const names = new Set(documents.documents.map(parseDocumentName));
    return {
      covers: name => names.has(name),
      documentsAt: time => [...names].map(name => store.documentAt(name, time)).filter(isThere),
      named: [...names],
    };
  }
  if (!query) return unsupported('a Listen target that is neither documents nor a query');
  const parsed = parseQuery(query.parent, query.structuredQuery);
  const { collection } = parsed;
  return {
    covers: name => collectionOf(name) === collection,
    documentsAt: time => parsed.run(store.documentsAt(collection, time)),
    named: [],
  };
}

function isThere(document: StoredDocument | undefined): document is StoredDocument {
  return document !== undefined;
}

function toResumeToken(time: Micros): Buffer {
  const token = Buffer.alloc(8);
  token.writeBigUInt64BE(BigInt(time));
  return token;
}
