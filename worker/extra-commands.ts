// The deployment's extra commands: a shell script of the operator's that changes an image's tree of links before it is packed.
import { rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Closure } from '#core/closure.ts';
import { PermanentError, TransientError } from '#core/errors.ts';
import type { ImportArguments } from '#core/image-settings.ts';
import { storePathName, storePathSchema, type StorePath } from '#core/store-path.ts';
import type { BuildRoots } from './collection/build-roots.ts';
import { resolveAndKeep } from './collection/resolve-and-keep.ts';
import { parseDump } from './nix/closure.ts';
import { errorMessage } from './nix/nix-message.ts';
import type { Nix } from './nix/nix.ts';
import { realise, type RealiseOptions } from './nix/realise.ts';
import type { FoundItem, ResolvedItem } from './nix/resolve.ts';
import { runExpression } from './nix/run-expression.ts';
import { runNix } from './nix/run-nix.ts';
import type { StoredSource } from './nix/stored-source.ts';
import { spoolError, spoolFile } from './pack/spool.ts';
import type { TarEntry } from './pack/tar-header.ts';
import { writeTar } from './pack/tar.ts';

export interface ExtraCommands {
  readonly commands: string;
  /** Where the tools come from that the commands run. */
  readonly source: StoredSource;
  readonly importArguments: ImportArguments;
  /** The tree of links. */
  readonly entries: Iterable<TarEntry>;
  /** The image's packages. */
  readonly packages: readonly StorePath[];
  /** These with all that they need: links may lead there, and nowhere else. */
  readonly closure: Closure;
  /** Where the tree lies until Nix has it. */
  readonly spoolFolder: string;
  /** What keeps the result in the store, and all that it is made of. */
  readonly roots: BuildRoots;
}

export interface ChangedTree {
  /** See nix/extra-commands.sh. */
  readonly path: StorePath;
  readonly narHash: string;
}

/**
 * What the commands find on their PATH, by the names that nixpkgs has for it. Of the worker's own system, whatever the
 * image's is.
 */
const TOOLS = ['bash', 'coreutils', 'findutils', 'gawk', 'gnugrep', 'gnused', 'gnutar'];

/**
 * Runs the commands in a sandboxed Nix build, in the tree's root: with the image's packages and {@link TOOLS}, without
 * the machine's files and without the network, whatever Nix's settings here are. The result is in the store.
 *
 * It is as deterministic as the commands are: they see no environment, no number of cores and no times but the year 1970;
 * but what they take from the clock, from /dev/urandom or from the order of a folder is theirs. They are nobody special:
 * no `chown`, no set-user-id.
 *
 * Throws a {@link PermanentError} with the end of their log where they fail, or leave what an image cannot have.
 */
export async function runExtraCommands(
  nix: Nix,
  { commands, source, importArguments, entries, packages, closure, spoolFolder, roots }: ExtraCommands,
  waiting: Pick<RealiseOptions, 'signal' | 'onWaiting'>,
): Promise<ChangedTree> {
  const options = { ...waiting, roots };
  const { signal } = waiting;
  const system = ownSystem();
  const request = { source, system, importArguments, packages: TOOLS };
  const tools = requireTools(await resolveAndKeep(nix, roots, request, { signal }));
  await realise(nix, tools, options);
  const [shell] = tools;
  const argument = {
    system,
    commands,
    packages: packages.join(' '),
    tools: tools.map(({ path }) => path).join(' '),
  };
  const derivation = await withArchive(entries, spoolFolder, archive =>
    instantiate(nix, roots, { ...argument, archive }, signal),
  );
  await build(sandboxed(nix, shell.path), derivation, options);
  return requireContained(nix, derivation.path, closure, signal);
}

const SYSTEMS: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'x86_64-linux',
  arm64: 'aarch64-linux',
};

function ownSystem(): string {
  const system = SYSTEMS[process.arch];
  if (system === undefined) throw new Error(`there is no name of Nix for ${process.arch}`);
  return system;
}

function requireTools(items: readonly ResolvedItem[]): [FoundItem, ...FoundItem[]] {
  const found = items.filter(item => item.kind === 'found');
  const missing = items.filter(({ kind }) => kind !== 'found').map(({ name }) => name);
  const [shell, ...others] = found;
  if (shell !== undefined && missing.length === 0) return [shell, ...others];
  const message = `the deployment's extra commands cannot run: the package set has no ${missing.join(', no ')} for them`;
  throw new PermanentError({ kind: 'refused', message });
}

/** Hands the tree to `use` as a tar, in a file that is there for so long. */
async function withArchive<T>(
  entries: Iterable<TarEntry>,
  folder: string,
  use: (file: string) => Promise<T>,
): Promise<T> {
  const file = spoolFile(folder, 'tree');
  try {
    await writeFile(file, writeTar(entries)).catch(spoolError(folder));
    return await use(file);
  } finally {
    await rm(file, { force: true });
  }
}

const derivationSchema = z.object({ drv: storePathSchema, path: storePathSchema });

async function instantiate(
  nix: Nix,
  roots: BuildRoots,
  argument: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<z.infer<typeof derivationSchema>> {
  const explain = (stderr: string): Error =>
    new TransientError(`Nix cannot prepare the extra commands: ${errorMessage(stderr)}`);
  using _ = await roots.holdOff();
  const derivation = derivationSchema.parse(
    await runExpression(nix, { name: 'extra-commands', argument, explain }, signal),
  );
  if (await roots.keep([derivation.drv], signal)) return derivation;
  throw new TransientError('the derivation of the extra commands was collected before it could be realised');
}

/** The one file of the machine's place is a shell of the package set: awk and others call it by that name. */
function sandboxed(nix: Nix, shell: StorePath): Nix {
  const settings = {
    sandbox: 'true',
    'sandbox-fallback': 'false',
    'sandbox-paths': `/bin/sh=${nix.realPath(shell)}/bin/bash`,
    builders: '',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['--option', name, value]);
  return { ...nix, options: [...nix.options, ...options] };
}

async function build(
  nix: Nix,
  { drv, path }: z.infer<typeof derivationSchema>,
  options: RealiseOptions,
): Promise<void> {
  try {
    await realise(nix, [{ name: 'extra-commands', drv, output: 'out', path }], options);
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    const message = error.message.replace(/^.*\bits builder /, "the deployment's extra commands ");
    throw new PermanentError({ ...error.failure, message });
  }
}

/** Looks at what came out. A link to a tool, or a copied script that names one, would lead nowhere in the image. */
async function requireContained(
  nix: Nix,
  path: StorePath,
  closure: Closure,
  signal: AbortSignal,
): Promise<ChangedTree> {
  const { succeeded, stdout, stderr } = await runNix(nix, 'nix-store', ['--dump-db', path], { signal });
  const [node] = succeeded ? parseDump(stdout) : [];
  if (node === undefined) throw new TransientError(`Nix cannot tell of ${path}: ${errorMessage(stderr)}`);
  const inside = new Set(closure.map(({ path: known }) => known));
  const outside = node.references.filter(reference => !inside.has(reference));
  if (outside.length === 0) return { path, narHash: node.narHash };
  const names = outside.map(storePathName).join(', ');
  const message = `the deployment's extra commands leave references to what is not in the image: ${names}`;
  throw new PermanentError({ kind: 'build_failed', message });
}
