// The calls that the Firestore of this process has seen, whoever sent them.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';

export interface FirestoreCallCounts extends Disposable {
  /** Of a method (`Listen`), the calls that are under way, and those that have ended. */
  readonly open: (method: string) => number;
  readonly ended: (method: string) => number;
  /** Resolves when it is so. */
  readonly until: (isSo: () => boolean) => Promise<void>;
}

/** Counts from now on until it is disposed of. */
export function countFirestoreCalls(): FirestoreCallCounts {
  const open = new Map<string, number>();
  const ended = new Map<string, number>();
  const changes = new EventEmitter<{ change: [] }>();
  const add = (counts: Map<string, number>, method: string, by: number): void => {
    counts.set(method, (counts.get(method) ?? 0) + by);
    changes.emit('change');
  };
  const onStream = (message: unknown): void => {
    const { stream, headers } = message as { stream: ServerHttp2Stream; headers: { ':path'?: string } };
    const method = headers[':path']?.split('/').at(-1) ?? '';
    add(open, method, 1);
    stream.once('close', () => {
      add(open, method, -1);
      add(ended, method, 1);
    });
  };
  subscribe('http2.server.stream.created', onStream);
  return {
    open: method => open.get(method) ?? 0,
    ended: method => ended.get(method) ?? 0,
    until: isSo =>
      new Promise<void>(done => {
        const look = (): void => {
          if (!isSo()) return;
          changes.off('change', look);
          done();
        };
        changes.on('change', look);
        look();
      }),
    [Symbol.dispose]: () => void unsubscribe('http2.server.stream.created', onStream),
  };
}
