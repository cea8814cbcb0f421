// Preloaded into functions-framework's own command (`node --import`): it listens where only this machine can connect, and tells
// what happens in it. Messages have it fail in the ways that no request can be made to.
import { subscribe } from 'node:diagnostics_channel';
import type { AddressInfo, ListenOptions, Server } from 'node:net';
import { faultSchema, type Observation } from './observation.ts';

// The framework names a port only, and so would listen on every interface.
subscribe('tracing:net.server.listen:asyncStart', message => {
  const { options } = message as { options: ListenOptions };
  options.host = '127.0.0.1';
});
subscribe('tracing:net.server.listen:asyncEnd', message => {
  const { server } = message as { server: Server };
  tell({ type: 'listening', port: (server.address() as AddressInfo).port });
});

let received = 0;
subscribe('http.server.request.start', () => {
  received += 1;
  tell({ type: 'received', count: received });
});

process.on('message', message => {
  const { fault } = faultSchema.parse(message);
  if (fault === 'rejection') void Promise.reject(new Error('a rejection that nobody hears of'));
  else
    setImmediate(() => {
      throw new Error('an exception that nobody catches');
    });
});
// The channel is no reason to stay.
process.channel?.unref();

function tell(observation: Observation): void {
  process.send?.(observation);
}
