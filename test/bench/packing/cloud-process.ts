// Google Cloud's stand-ins as a process of their own, as in a local system: what they cost is not the packer's.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Cloud } from '#test/cloud.ts';

const ADDRESSES = ['FIRESTORE_EMULATOR_HOST', 'PUBSUB_EMULATOR_HOST', 'STORAGE_EMULATOR_HOST'];

const addressesSchema = z.record(z.string(), z.string());

export interface CloudProcess extends AsyncDisposable {
  /** Processor time that it has taken since it was started. */
  cpuSeconds(): Promise<number>;
}

/** Starts empty ones, and has Google's clients that are made from now on in this process find them. */
export async function startCloudProcess(): Promise<CloudProcess> {
  const child = fork(fileURLToPath(import.meta.url));
  const exited = once(child, 'exit');
  const [said] = (await Promise.race([
    once(child, 'message'),
    exited.then(([code]) => Promise.reject(new Error(`the stand-ins ended with ${code}`))),
  ])) as [unknown];
  Object.assign(process.env, addressesSchema.parse(said));
  return {
    async cpuSeconds() {
      const answer = once(child, 'message');
      child.send('cpu');
      const [seconds] = (await answer) as [unknown];
      return z.number().parse(seconds);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

if (import.meta.main) {
  const cloud = await Cloud.start();
  // Told to end, or left alone: the one may follow the other.
  const told = Promise.race([once(process, 'SIGTERM'), once(process, 'disconnect')]);
  void told.then(() => cloud[Symbol.asyncDispose]()).then(() => process.exit(0));
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.((user + system) / 1e6);
  });
  process.send?.(Object.fromEntries(ADDRESSES.map(name => [name, process.env[name] ?? ''])));
}
