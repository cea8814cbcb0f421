// Running our own expressions, which fetch and read what they are told to: what others wrote is evaluated elsewhere.
import { fileURLToPath } from 'node:url';
import type { Nix } from './nix.ts';
import { runNix } from './run-nix.ts';

export interface Expression {
  /** A file of nix/. */
  readonly name: 'extra-commands' | 'fetch-archive' | 'fetch-flake' | 'store-folder';
  /** Strings for the function that it holds. */
  readonly argument: Readonly<Record<string, string>>;
  /** Nix's settings, besides those that let it do its work. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The error to throw where it fails, from what Nix says on stderr. */
  readonly explain: (stderr: string) => Error;
}

/** The expression's value, strictly evaluated. Throws what `explain` answers, and as {@link runNix} does. */
export async function runExpression(
  nix: Nix,
  { name, argument, settings, explain }: Expression,
  signal: AbortSignal,
): Promise<unknown> {
  const all = { 'pure-eval': 'false', 'restrict-eval': 'false', ...settings };
  const args = [
    '--eval',
    '--strict',
    '--json',
    '--read-write-mode',
    fileURLToPath(import.meta.resolve(`#nix/${name}.nix`)),
    ...Object.entries(all).flatMap(([setting, value]) => ['--option', setting, value]),
    ...Object.entries(argument).flatMap(([parameter, value]) => ['--argstr', parameter, value]),
  ];
  const { succeeded, stdout, stderr } = await runNix(nix, 'nix-instantiate', args, { signal });
  if (!succeeded) throw explain(stderr);
  return JSON.parse(stdout);
}
