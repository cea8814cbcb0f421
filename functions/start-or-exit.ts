// How every function begins: with its settings, or with one line that says which of them is wrong.
import { ConfigurationError } from '#core/errors.ts';
import type { Log } from '#core/google/log.ts';

/** Runs `start` at the load of an entry file. A bad setting is logged as one line and ends the process with 1. */
export function startOrExit<T>(log: Log, start: () => T): T {
  try {
    return start();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    log.fatal(error.message);
    process.exit(1);
  }
}
