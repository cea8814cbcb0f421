// A storage server in a process of its own, to be killed: `node server-process.ts DATA_FOLDER PORT`.
import { startStorage } from '#local/storage/server.ts';

const [dataFolder = '', port = '0'] = process.argv.slice(2);
const server = await startStorage({ dataFolder, port: Number(port) });
process.send?.(server.url);
