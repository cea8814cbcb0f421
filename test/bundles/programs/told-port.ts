// Preloaded into a function (`node --import`): it listens where only this machine can connect, and says on which port. It is copied
// away from here first, and so imports nothing of the project's.
import { subscribe } from 'node:diagnostics_channel';
import type { AddressInfo, ListenOptions, Server } from 'node:net';

// functions-framework names a port only, and so would listen on every interface.
subscribe('tracing:net.server.listen:asyncStart', message => {
  const { options } = message as { options: ListenOptions };
  options.host = '127.0.0.1';
});
subscribe('tracing:net.server.listen:asyncEnd', message => {
  const { server } = message as { server: Server };
  process.send?.({ port: (server.address() as AddressInfo).port });
  // The channel is no reason to stay.
  process.channel?.unref();
});
