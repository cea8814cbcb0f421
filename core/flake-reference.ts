// References to flakes, as Nix writes them ("URL-like representation", Nix manual, nix3-flake), parsed into what Nix's
// fetchTree takes. Parsed here, because which revision they name has to be known without Nix.
import { ConfigurationError } from './errors.ts';

/** Arguments of Nix's `builtins.fetchTree`. */
export interface FlakeInput {
  readonly type: 'git' | 'github' | 'gitlab' | 'sourcehut' | 'indirect' | 'path' | 'tarball';
  /** 40 hexadecimal digits: the commit that it names, for good. */
  readonly rev?: string;
  readonly [argument: string]: string | boolean | undefined;
}

/** Throws a {@link ConfigurationError} with what is wrong, as a clause: "has a \"#\" …". */
export function parseFlakeReference(reference: string): FlakeInput {
  const parts = /^(?<scheme>[a-z][a-z0-9+]*):(?<rest>[^?#]+)(?:\?(?<query>[^#]*))?(?<fragment>#.*)?$/.exec(
    reference,
  )?.groups;
  const { scheme, rest, query, fragment } = parts ?? {};
  if (scheme === undefined || rest === undefined)
    return unsupported('is not a full flake reference, as in github:NixOS/nixpkgs');
  if (fragment !== undefined) return unsupported('has a "#": an image’s name lists the packages');
  const parameters = new Map(new URLSearchParams(query));
  if (parameters.has('dir')) return unsupported('has "dir": a flake is read at the top of its tree');
  const input = parseAddress(scheme, rest);
  return { ...input, ...parseParameters(input.type, parameters), ...(input.rev && { rev: input.rev }) };
}

/** Whether Nix can still fetch an earlier revision of it, when it has moved on. */
export function flakeKeepsRevisions(input: FlakeInput): boolean {
  const isFolder = input.type === 'git' && String(input['url']).startsWith('file:');
  return !isFolder && flakeInputAt(input, '0'.repeat(40)) !== undefined;
}

/** The input at another commit; undefined for one of a kind that has no commits. */
export function flakeInputAt(input: FlakeInput, commit: string): FlakeInput | undefined {
  switch (input.type) {
    case 'path':
    case 'tarball':
      return undefined;
    case 'git':
      return { ...input, rev: commit };
    case 'github':
    case 'gitlab':
    case 'sourcehut':
    case 'indirect': {
      // Nix takes one of both.
      const { ref: _, ...rest } = input;
      return { ...rest, type: input.type, rev: commit };
    }
  }
}

const COMMIT = /^[0-9a-f]{40}$/;

const TARBALL = /\.(?:zip|tar|tgz|tar\.(?:gz|xz|bz2|zst))$/;

function parseAddress(scheme: string, rest: string): FlakeInput {
  switch (scheme) {
    case 'github':
    case 'gitlab':
    case 'sourcehut': {
      const [owner = '', repo = '', ...ref] = rest.split('/').map(decoded);
      if (owner === '' || repo === '') return unsupported('names no owner and repository');
      return { type: scheme, owner, repo, ...refOrCommit(ref.join('/')) };
    }
    case 'flake': {
      const [id = '', ...ref] = rest.split('/');
      return { type: 'indirect', id, ...refOrCommit(ref.join('/')) };
    }
    case 'path':
      if (!rest.startsWith('/')) return unsupported('is a path that does not begin with "/"');
      return { type: 'path', path: decoded(rest) };
    case 'git+https':
    case 'git+http':
    case 'git+ssh':
    case 'git+file':
    case 'git+git':
    case 'git':
      return { type: 'git', url: `${scheme.replace(/^git\+/, '')}:${rest}` };
    case 'tarball+https':
    case 'tarball+http':
    case 'tarball+file':
      return { type: 'tarball', url: `${scheme.replace(/^tarball\+/, '')}:${rest}` };
    case 'https':
    case 'http':
    case 'file':
      if (!TARBALL.test(rest)) return unsupported('is the address of no archive (for git, write git+https)');
      return { type: 'tarball', url: `${scheme}:${rest}` };
    default:
      return unsupported(`begins with "${scheme}:", which is not supported`);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return unsupported('has a "%" that begins no character');
  }
}

function refOrCommit(text: string): { rev?: string; ref?: string } {
  if (text === '') return {};
  return COMMIT.test(text) ? { rev: text } : { ref: text };
}

/** What may follow the question mark, and what Nix calls it. */
function parseParameters(
  type: FlakeInput['type'],
  parameters: ReadonlyMap<string, string>,
): Readonly<Record<string, string | boolean>> {
  const allowed: Readonly<Record<string, RegExp>> = {
    ...(type !== 'path' && type !== 'tarball' && { ref: /^[^-]/, rev: COMMIT }),
    ...(type === 'git' && { submodules: /^[01]$/, shallow: /^[01]$/, allRefs: /^[01]$/ }),
    ...((type === 'gitlab' || type === 'github' || type === 'sourcehut') && { host: /^[A-Za-z0-9.:-]+$/ }),
    ...((type === 'path' || type === 'tarball') && { narHash: /^sha256-[A-Za-z0-9+/]{43}=$/ }),
  };
  const flags = ['submodules', 'shallow', 'allRefs'];
  return Object.fromEntries(
    [...parameters].map(([name, value]) => {
      if (!Object.hasOwn(allowed, name)) return unsupported(`has "${name}", which is not supported`);
      if (allowed[name]?.test(value) !== true) return unsupported(`has a "${name}" that cannot be`);
      return [name, flags.includes(name) ? value === '1' : value];
    }),
  );
}

function unsupported(problem: string): never {
  throw new ConfigurationError(problem);
}
