// The stand-in as a process: `node serve.ts DATA_FOLDER PORT`, started by the restart tests, which it tells its port.
import { startFirestore } from '#local/firestore/server.ts';

const [, , dataFolder = '', port = '0'] = process.argv;
const server = await startFirestore({ dataFolder, port: Number(port) });
process.send?.({ port: server.port });
