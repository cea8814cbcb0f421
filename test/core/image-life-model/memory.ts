// Documents in memory, with the semantics of core/google/documents.ts: read, write if unchanged, and transactions that
// run again when somebody wrote in between.
import { Timestamp, type DocumentSnapshot, type Transaction } from '@google-cloud/firestore';
import type { z } from 'zod';
import type { Documents } from '#core/google/documents.ts';

/** The server's clock: time passes when the test says so. Milliseconds since the epoch. */
export interface Clock {
  now: number;
}

export interface Memory<K extends string, T> extends Documents<K, T> {
  /** Has this done by others between the next transaction's read and its write. */
  readonly interrupt: (others: () => Promise<void>) => void;
}

export function memoryDocuments<K extends string, T>(
  clock: Clock,
  schema: z.ZodType<T>,
  alongside: Transaction,
  /** The ids of documents of other kinds that there are. */
  stored: ReadonlySet<string> = new Set(),
): Memory<K, T> {
  const cells = new Map<K, { readonly text: string; readonly version: number }>();
  let written = 0;
  let others: (() => Promise<void>) | undefined;

  function write(key: K, next: T): void {
    // As Firestore: what is undefined is not there, and what a reader gets is its own.
    const text = JSON.stringify(schema.parse(next));
    // A write that changes nothing is none: the document keeps its version.
    if (text === cells.get(key)?.text) return;
    written += 1;
    cells.set(key, { text, version: written });
  }

  function see(key: K) {
    const cell = cells.get(key);
    return {
      document: cell && schema.parse(JSON.parse(cell.text)),
      readTime: clock.now,
      version: cell && Timestamp.fromMillis(cell.version),
    };
  }

  const changeBeside: Documents<K, T>['changeBeside'] = async (key, beside, decide) => {
    for (;;) {
      const { document, readTime } = see(key);
      const read = [key, ...beside];
      const versions = read.map(one => cells.get(one)?.version);
      const change = decide(
        document,
        beside.map(other => see(other).document),
        readTime,
      );
      const interruption = others;
      others = undefined;
      await interruption?.();
      if (read.some((one, at) => cells.get(one)?.version !== versions[at])) continue;
      if (change.next !== undefined) {
        write(key, change.next);
        change.alongside?.(alongside);
      }
      return change.result;
    }
  };

  return {
    async deleteIfUnchanged(key, { version }) {
      if (version === undefined || version.toMillis() !== cells.get(key)?.version) return false;
      return cells.delete(key);
    },

    async read(key) {
      return see(key);
    },

    async writeIfUnchanged(key, { version }, next) {
      if (version?.toMillis() !== cells.get(key)?.version) return false;
      write(key, next);
      return true;
    },

    async readAll(keys) {
      return keys.map(see);
    },

    change: (key, decide) => changeBeside(key, [], (document, _others, now) => decide(document, now)),
    changeBeside,
    changeAmid(key, beside, decide) {
      // They are never deleted: that they are there is all that is asked of them.
      return changeBeside(key, [], (document, _beside, now) => {
        const snapshots = beside.map(({ id }) => ({ exists: stored.has(id) }) as DocumentSnapshot);
        return decide(document, snapshots, now);
      });
    },

    interrupt(next) {
      others = next;
    },

    parse: () => {
      throw new Error('there are no snapshots in memory');
    },
    watch: () => {
      throw new Error('nobody watches memory');
    },
  };
}
