// The runtime closure of store paths, as Nix's database has it.
import type { Closure, ClosureNode } from '#core/closure.ts';
import { parseStorePath, type StorePath } from '#core/store-path.ts';
import { TransientError } from '#core/errors.ts';
import { errorMessage } from './nix-message.ts';
import type { Nix } from './nix.ts';
import { runNix } from './run-nix.ts';

/** Paths per command: the kernel limits what arguments may hold, and 4,000 take half a megabyte of two. */
const AT_A_TIME = 4000;

/** Everything that `paths` need, themselves included, each once. Throws a {@link TransientError} where one is not there. */
export async function closure(
  nix: Nix,
  paths: readonly StorePath[],
  { signal }: { readonly signal: AbortSignal },
): Promise<Closure> {
  // Without arguments `--dump-db` prints the whole database.
  if (paths.length === 0) return [];
  const listed = await query(nix, ['--query', '--requisites', ...new Set(paths)], signal);
  const all = listed.split('\n').filter(line => line !== '');
  const nodes: ClosureNode[] = [];
  for (let start = 0; start < all.length; start += AT_A_TIME) {
    const dump = await query(nix, ['--dump-db', ...all.slice(start, start + AT_A_TIME)], signal);
    nodes.push(...parseDump(dump));
  }
  if (nodes.length !== all.length) {
    throw new Error(`nix-store described ${nodes.length} of ${all.length} store paths`);
  }
  return nodes;
}

async function query(nix: Nix, args: readonly string[], signal: AbortSignal): Promise<string> {
  const { succeeded, stdout, stderr } = await runNix(nix, 'nix-store', args, { signal });
  if (succeeded) return stdout;
  throw new TransientError(`Nix cannot tell the closure: ${errorMessage(stderr)}`);
}

/**
 * Parses the lines of `nix-store --dump-db`: for each path its name, the SHA-256 of its NAR in hexadecimal, the NAR's
 * size, its deriver or nothing, the number of references, and these. Throws where a line is something else.
 */
export function parseDump(dump: string): ClosureNode[] {
  const lines = dump.split('\n');
  if (lines.pop() !== '') throw new Error('the dump of the database does not end with a line');
  const nodes: ClosureNode[] = [];
  let at = 0;
  const next = (): string => {
    const line = lines[at++];
    if (line === undefined) throw new Error('the dump of the database ends within a path');
    return line;
  };
  while (at < lines.length) {
    const path = parseStorePath(next());
    const narHash = `sha256:${expect(next(), /^[0-9a-f]{64}$/, 'hash')}`;
    const narSize = Number(expect(next(), /^\d{1,15}$/, 'size'));
    next();
    const count = Number(expect(next(), /^\d{1,9}$/, 'number of references'));
    const references = Array.from({ length: count }, () => parseStorePath(next()));
    nodes.push({ path, narHash, narSize, references: references.filter(reference => reference !== path) });
  }
  return nodes;
}

function expect(line: string, form: RegExp, what: string): string {
  if (form.test(line)) return line;
  throw new Error(`the dump of the database has a ${what} that is none: ${JSON.stringify(line)}`);
}
