// The garbage collector's own lock.
import { join } from 'node:path';
import type { Nix } from '../nix/nix.ts';
import { lockFile } from '../file-lock.ts';

/**
 * While it is held no collection of the store begins, by whomever; undefined where one is running. Nix holds this lock alone
 * for as long as it collects, and looks for roots when it has it (Nix's src/libstore/gc.cc): a link that is made while it is
 * shared is found by every collection that follows. Nix's other commands only try to share it, and do not wait.
 *
 * For a store whose state this process may write; of another, the daemon has the lock.
 */
export async function holdOffCollection({ stateFolder }: Nix): Promise<Disposable | undefined> {
  return lockFile(join(stateFolder, 'gc.lock'), { kind: 'shared', wait: false });
}
