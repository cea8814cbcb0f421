// A port on loopback that stays ours over the lives of the processes that answer there.
import net, { createServer, type Server } from 'node:net';
import { getSystemErrorMessage, getSystemErrorName } from 'node:util';
import { isWithoutIPv6 } from './loopback.ts';

export interface HeldPort {
  readonly port: number;
  /** File descriptors of its sockets, for the process that is to answer ({@link listenOnHeldPort}). */
  readonly sockets: readonly number[];
}

/** A socket with an address, from which this process takes no connection. */
interface Handle {
  readonly fd: number;
  getsockname(address: { port?: number }): number;
  close(): void;
}

/**
 * How the cluster module opens the sockets that its workers share. Node documents no way to have one without taking connections
 * from it.
 */
const { _createServerHandle: createHandle } = net as unknown as {
  _createServerHandle(this: void, address: string, port: number, family: 4 | 6): Handle | number;
};

/** Open for as long as this process lives: a handle that is forgotten is closed. */
const held: Handle[] = [];

/**
 * Takes a port on 127.0.0.1 and, where the machine has IPv6, on ::1, until this process ends; port 0 takes a free one. Once a
 * process has listened there, the kernel has those wait who connect while none does, until the next one takes them. Throws Node's
 * error, EADDRINUSE where one of the two addresses is taken.
 */
export function holdPort(port: number): HeldPort {
  const [first, bound] = open('127.0.0.1', port, 4);
  held.push(first);
  try {
    const [second] = open('::1', bound, 6);
    held.push(second);
    return { port: bound, sockets: [first.fd, second.fd] };
  } catch (error) {
    if (isWithoutIPv6(error)) return { port: bound, sockets: [first.fd] };
    first.close();
    throw error;
  }
}

/** Listens on sockets that this process was given. */
export async function listenOnHeldPort(server: Server, sockets: readonly number[]): Promise<void> {
  const [first, ...others] = sockets;
  await listen(server, first);
  // A server has one address: connections of the others are handed to it.
  for (const fd of others)
    await listen(
      createServer(socket => server.emit('connection', socket)),
      fd,
    );
}

async function listen(server: Server, fd: number | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ fd }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function open(address: string, port: number, family: 4 | 6): [Handle, number] {
  const handle = createHandle(address, port, family);
  if (typeof handle === 'number') throw systemError(handle, address, port);
  // An address that is in use is not said before this.
  const bound: { port?: number } = {};
  const problem = handle.getsockname(bound);
  if (problem === 0) return [handle, bound.port ?? port];
  handle.close();
  throw systemError(problem, address, port);
}

function systemError(number: number, address: string, port: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(number);
  const error = new Error(`bind ${code} ${address}:${port}: ${getSystemErrorMessage(number)}`);
  return Object.assign(error, { code, errno: number, syscall: 'bind', address, port });
}
