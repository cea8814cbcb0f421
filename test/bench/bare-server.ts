// A program that answers whatever comes with the same few bytes: as fast as the load generator can be made to go.
import { createServer } from 'node:net';
import { sayReady } from '#local/program-entry.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

const server = createServer({ noDelay: true }, socket => {
  // A request of the generator comes in one piece, and the next one only after the answer.
  socket.on('data', () => socket.write(ANSWER));
  // The generator leaves without a word.
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('there is no port');
  sayReady({ port: address.port });
});
process.on('SIGTERM', () => process.exit(0));
