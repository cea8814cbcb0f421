// Locks on files between processes, by flock(2), which Node does not have.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

export interface LockOptions {
  /** `shared` with others that are shared, or alone. */
  readonly kind: 'shared' | 'exclusive';
  /** Whether to wait until it can be had. */
  readonly wait: boolean;
}

/**
 * Locks a file, which is made where it is missing; undefined where others hold it and that is not waited for. It is given
 * back when it is disposed of, or when this process ends, however it ends: it belongs to the open file, which no command
 * that this process starts inherits. Throws a system error where the file cannot be opened.
 */
export async function lockFile(file: string, { kind, wait }: LockOptions): Promise<Disposable | undefined> {
  const descriptor = openSync(file, 'a', 0o600);
  const args = [`--${kind}`, ...(wait ? [] : ['--nonblock']), '0'];
  const flock = spawn('flock', args, { stdio: [descriptor, 'ignore', 'ignore'] });
  const code = await new Promise<number | null>((resolve, reject) => {
    flock.once('exit', resolve).once('error', reject);
  }).catch((error: unknown) => {
    closeSync(descriptor);
    throw error;
  });
  if (code === 0) return { [Symbol.dispose]: () => closeSync(descriptor) };
  closeSync(descriptor);
  return undefined;
}
