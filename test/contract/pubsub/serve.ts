// The stand-in as a process: `node serve.ts DATA_FOLDER PORT`, started by the restart tests, which it tells its port.
import { startPubSub } from '#local/pubsub/server.ts';

const [, , dataFolder = '', port = '0'] = process.argv;
const server = await startPubSub({ dataFolder, port: Number(port) });
process.once('message', () => {
  void server.close().then(() => process.disconnect());
});
process.send?.({ port: server.port });
