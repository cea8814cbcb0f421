// A port that stays while what is behind it comes and goes, and a network between the two that can be slow, cut or silent.
import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { listenOnLoopback } from '#local/loopback.ts';

export interface Proxy {
  readonly port: number;
  /** The ports behind it. Each connection goes to the next of them. */
  targets: readonly number[];
  /** What every portion of bytes waits, each way. Milliseconds. */
  delayMs: number;
  /** Whether new connections are refused. */
  refuses: boolean;
  /** Whether nothing passes, and nobody is told. */
  set isSilent(silent: boolean);
  /** Ends all connections there are. */
  cut(): void;
  close(): void;
}

export async function startProxy(): Promise<Proxy> {
  const open = new Set<Socket>();
  let turn = 0;
  let silent = false;

  const server = createServer({ allowHalfOpen: true }, client => {
    const { targets } = proxy;
    const port = targets[turn++ % Math.max(1, targets.length)];
    if (proxy.refuses || port === undefined) {
      client.destroy();
      return;
    }
    const service = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    join(client, service);
  });

  function join(one: Socket, other: Socket): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      open.add(from);
      // A connection that breaks takes the other half with it.
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(delayed()).pipe(to);
      if (silent) from.pause();
    }
  }

  function delayed(): Transform {
    return new Transform({
      transform(chunk, _encoding, done) {
        const { delayMs } = proxy;
        if (delayMs === 0) done(null, chunk);
        else setTimeout(() => done(null, chunk), delayMs);
      },
    });
  }

  const proxy = {
    port: 0,
    targets: [] as readonly number[],
    delayMs: 0,
    refuses: false,
    set isSilent(is: boolean) {
      silent = is;
      for (const socket of open) {
        if (silent) socket.pause();
        else socket.resume();
      }
    },
    cut: () => {
      for (const socket of open) socket.destroy();
    },
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
  proxy.port = await listenOnLoopback(server, 0);
  return proxy;
}
