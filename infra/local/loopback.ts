// Listening where only this machine can connect. `localhost` means 127.0.0.1 to one client and ::1 to another.
import { createServer, type AddressInfo, type Server } from 'node:net';
import { StartError } from './start-error.ts';

/**
 * Listens on 127.0.0.1 and, where the machine has IPv6, on ::1. Port 0 takes a free one; the port is returned.
 * Fails with Node's error, EADDRINUSE where one of the two is taken.
 */
export async function listenOnLoopback(server: Server, port: number): Promise<number> {
  await listen(server, '127.0.0.1', port);
  const bound = (server.address() as AddressInfo).port;
  // A server has one address: connections of the second one are handed to it.
  const second = createServer(socket => server.emit('connection', socket));
  try {
    await listen(second, '::1', bound);
    server.once('close', () => second.close());
  } catch (error) {
    if (!isWithoutIPv6(error)) {
      server.close();
      throw error;
    }
  }
  return bound;
}

/** Throws a {@link StartError} where something listens on the port already, or where this user may not. */
export async function checkPort(port: number): Promise<void> {
  const probe = createServer();
  try {
    await listenOnLoopback(probe, port);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const choose = 'choose another one with PORT';
    if (code === 'EADDRINUSE') throw new StartError(`Port ${port} is in use: ${choose}.`, { cause: error });
    if (code === 'EACCES') {
      throw new StartError(`This user may not listen on port ${port}: ${choose}.`, { cause: error });
    }
    throw error;
  }
  await new Promise<void>(resolve => {
    probe.close(() => resolve());
  });
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Whether an error says that the machine has no ::1. */
export function isWithoutIPv6(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
}
