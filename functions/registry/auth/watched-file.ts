// The content of a file that others replace while we run.
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { ConfigurationError } from '#core/errors.ts';
import type { Log } from '#core/google/log.ts';

export interface WatchedFileParts<T> {
  readonly path: string;
  /** The setting that names it, for people. */
  readonly setting: string;
  readonly parse: (text: string) => T;
  readonly log: Log;
  /** Milliseconds on a clock that does not go back: until it had caught up, nobody would look. */
  readonly now?: (() => number) | undefined;
}

/** How old what we know may be. Milliseconds. */
const LOOK_MS = 2_000;

/** A volume of Secret Manager does not say that it has another version: it has to be read. Milliseconds. */
const READ_MS = 60_000;

/**
 * What is in the file, as of 2 s ago at most. Where it cannot be read any more, what was there last counts, and the log says so.
 * Throws a ConfigurationError where it cannot be read to begin with.
 */
export function watchFile<T>({
  path,
  setting,
  parse,
  log,
  now = () => performance.now(),
}: WatchedFileParts<T>): () => Promise<T> {
  let text = readFirst(path, setting);
  let content = parse(text);
  let [lookedAt, readAt] = [now(), now()];
  let version: string | undefined;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    lookedAt = now();
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const seen = [mtimeMs, size, ino].join();
      if (seen === version && now() - readAt < READ_MS) return;
      const read = await readFile(path, 'utf8');
      [version, readAt] = [seen, now()];
      if (read === text) return;
      text = read;
      content = parse(read);
      log.info({ path }, `the file of ${setting} was read anew`);
    } catch (error) {
      log.error({ error, path }, `the file of ${setting} cannot be read: what was there before counts`);
    }
  }

  return async () => {
    if (now() - lookedAt >= LOOK_MS) looking ??= look().finally(() => (looking = undefined));
    await looking;
    return content;
  };
}

function readFirst(path: string, setting: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(`configuration: ${setting}: the file cannot be read (${reason})`);
  }
}
