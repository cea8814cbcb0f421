// A supervisor of two programs, to be killed from outside. File descriptor 3 is handed on to them.
import { resolve } from 'node:path';
import { Supervisor } from '#local/supervisor.ts';

let pids: Readonly<Record<string, number>> = {};
const supervisor = new Supervisor({
  onLine: () => {},
  onNotice: () => {},
  onProcesses: now => {
    pids = now;
  },
  inherited: [3],
});
for (const name of ['obedient', 'stubborn']) {
  await supervisor.start({
    name,
    file: resolve(import.meta.dirname, `${name}.ts`),
    environment: () => process.env,
    restarts: true,
  });
}
process.send?.(Object.values(pids));
