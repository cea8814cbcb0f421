// One binary cache, asked for what it knows: over the web or in a folder. Nothing of it is fetched but that.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pRetry from 'p-retry';
import { TransientError } from '#core/errors.ts';
import type { StorePath } from '#core/store-path.ts';
import { isSystemError } from '../is-system-error.ts';
import { narinfoName, parseNarinfo, type Narinfo } from './narinfo.ts';

export interface BinaryCache {
  readonly address: string;
  /** What it says of a path; undefined where it does not have it. Throws a TransientError where it does not answer. */
  narinfo(path: StorePath, signal: AbortSignal): Promise<Narinfo | undefined>;
}

/** A cache that says nothing for so long does not answer. Milliseconds. */
const PATIENCE_MS = 10_000;

/** How often a question is asked again before a cache counts as one that does not answer. */
const RETRIES = 2;

/**
 * Opens a cache by its address, as Nix's settings have it: `https://…`, `http://…` or `file://…`. Undefined for other
 * stores (`s3://`, `ssh://`, a folder with a store in it), and for a cache of a store that is not at /nix/store. Throws a
 * TransientError where it does not answer.
 */
export async function openBinaryCache(
  address: string,
  signal: AbortSignal,
): Promise<BinaryCache | undefined> {
  const read = readerOf(address);
  if (read === undefined) return undefined;
  const ask: Reader = (file, stop) =>
    pRetry(() => read(file, stop), {
      retries: RETRIES,
      minTimeout: 200,
      factor: 3,
      randomize: true,
      signal: stop,
    });
  const about = await ask('nix-cache-info', signal);
  const store = /^StoreDir: *(?<folder>\S+) *$/m.exec(about ?? '')?.groups?.['folder'];
  if (about === undefined || (store !== undefined && store !== '/nix/store')) return undefined;
  return {
    address,
    async narinfo(path, stop) {
      const text = await ask(narinfoName(path), stop);
      return text === undefined ? undefined : parseNarinfo(text, path);
    },
  };
}

/** A file's text; undefined where there is no such file, or none that could be of use. */
type Reader = (file: string, signal: AbortSignal) => Promise<string | undefined>;

function readerOf(address: string): Reader | undefined {
  const url = URL.parse(address);
  if (url === null) return undefined;
  // What is behind the "?" is for Nix: `?priority=10`, `?trusted=1`.
  url.search = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  switch (url.protocol) {
    case 'file:':
      return file => readFileOf(fileURLToPath(new URL(file, url)));
    case 'http:':
    case 'https:':
      return (file, signal) => readFromWeb(new URL(file, url), signal);
    default:
      return undefined;
  }
}

async function readFileOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return undefined;
    throw new TransientError(`the binary cache cannot be read: ${String(error)}`, { cause: error });
  }
}

/** What is longer is nothing that this has use for: a path with ten thousand references has half of it. Bytes. */
const LENGTH_LIMIT = 1 << 20;

/** Undefined where it is too long. No more than that is read: a cache may say anything, and the worker has more to remember. */
async function textOf({ body }: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > LENGTH_LIMIT) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Nix takes these for "not there" as well: a bucket whose content may not be listed answers 403 for what it has not. */
const ABSENT = new Set([401, 403, 404, 407, 410]);

async function readFromWeb(url: URL, signal: AbortSignal): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    // A body that is not read keeps its connection.
    const text = await textOf(response);
    if (response.ok) return text;
    if (ABSENT.has(response.status)) return undefined;
    throw new TransientError(`${url.host} answered ${response.status}`);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TransientError) throw error;
    throw new TransientError(`${url.host} does not answer`, { cause: error });
  }
}
