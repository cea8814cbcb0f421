// One connection of the load generator: HTTP/1.1 with as little work per request as can be, so that it is the server
// that is measured. Node's own client takes more time for a request than its server.
import { once } from 'node:events';
import { connect } from 'node:net';

export interface HttpConnection {
  /** Sends the request and resolves when all of the answer is there. Throws where it is not 200. */
  get(): Promise<void>;
  close(): void;
}

/** Connects, for one request that is sent again and again, one at a time. */
export async function openHttpConnection(address: URL): Promise<HttpConnection> {
  const request = `GET ${address.pathname} HTTP/1.1\r\nHost: ${address.host}\r\nAccept: */*\r\n\r\n`;
  const socket = connect({ host: address.hostname, port: Number(address.port), noDelay: true });
  await once(socket, 'connect');

  let received = Buffer.alloc(0);
  let waiting: PromiseWithResolvers<void> | undefined;
  socket.on('data', chunk => {
    received = received.length === 0 ? Buffer.from(chunk) : Buffer.concat([received, Buffer.from(chunk)]);
    try {
      if (!isWholeAnswer(received)) return;
      received = Buffer.alloc(0);
      waiting?.resolve();
    } catch (error) {
      waiting?.reject(error);
    }
  });
  socket.on('error', error => waiting?.reject(error));
  socket.on('close', () => waiting?.reject(new Error('the server closed the connection')));

  return {
    get() {
      waiting = Promise.withResolvers();
      socket.write(request);
      return waiting.promise;
    },
    close() {
      waiting = undefined;
      socket.destroy();
    },
  };
}

const HEAD_END = '\r\n\r\n';

/** Whether `bytes` are one answer from its first byte to its last. Throws where they are more, or not a good one. */
export function isWholeAnswer(bytes: Buffer): boolean {
  const headLength = bytes.indexOf(HEAD_END);
  if (headLength < 0) return false;
  const head = bytes.toString('latin1', 0, headLength);
  const length = /^content-length: *(?<length>\d+)/im.exec(head)?.groups?.['length'];
  if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`the server answered ${head.split('\r\n', 1)[0]}`);
  if (length === undefined) throw new Error('the server does not say how long its answer is');
  const missing = headLength + HEAD_END.length + Number(length) - bytes.length;
  if (missing < 0) throw new Error('the server sent more than one answer');
  return missing === 0;
}
