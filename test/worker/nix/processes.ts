// What runs on this machine, for tests of what must not.
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** The processes whose command line contains the text. */
export async function processesWith(text: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // It may end between the two calls.
    const commandLine = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(text)) found.push(Number(name));
  }
  return found;
}

/** Waits until there are, or are no more, processes whose command line contains the text. Throws after ten seconds. */
export async function untilRunning(text: string, running: boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const found = await processesWith(text);
    if (found.length > 0 === running) return;
    if (performance.now() > deadline)
      throw new Error(`${text}: ${running ? 'never seen' : `still ${found.join(', ')}`}`);
    await delay(20);
  }
}
