// apt with a state of its own: it reads the machine's sources, of which it takes Debian's, and changes nothing there.
import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa, ExecaError } from 'execa';
import { StartError } from '../start-error.ts';
import { debianSources, type AptSource } from './apt-sources.ts';

export interface AptOptions {
  /** For apt's lists and settings; created, and left to the caller to remove. */
  readonly folder: string;
  /** Debian's name of it: `arm64`. */
  readonly architecture: string;
  readonly signal: AbortSignal | undefined;
  /** The sources that may be Debian's; those of the machine. */
  readonly candidates?: () => Promise<AptSource[]>;
}

export interface Apt {
  /** The servers that packages come from. */
  readonly hosts: readonly string[];
  /** The files of packages, as Debian has them now; its signatures vouch for what they say. */
  locate(names: readonly string[]): Promise<DebFile[]>;
  /** Puts the files into `folder`. apt checks that they are what was signed. */
  download(debs: readonly DebFile[], folder: string): Promise<void>;
}

export interface DebFile {
  /** The package's name. */
  readonly name: string;
  /** The file's name: `hello_2.10-3_amd64.deb`. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

const CODENAME = 'bookworm';

/** What Debian signs its archive with (package debian-archive-keyring): no other key makes a package Debian's. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Reads the package lists of Debian 12. Throws a {@link StartError} where the machine has no source for it, or none that
 * has the architecture.
 */
export async function openApt({
  folder,
  architecture,
  signal,
  candidates = debianSources,
}: AptOptions): Promise<Apt> {
  const apt = async (args: readonly string[], cwd = folder): Promise<string> => {
    const command = ['--config-file', join(folder, 'apt.conf'), '--quiet=2', ...args];
    const options = {
      cwd,
      stdin: 'ignore',
      env: { LC_ALL: 'C' },
      ...(signal !== undefined && { cancelSignal: signal }),
    } as const;
    try {
      return (await execa('apt-get', command, options)).stdout;
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof ExecaError ? new StartError(aptProblem(error), { cause: error }) : error;
    }
  };

  let sources = await candidates();
  if (sources.length === 0) throw noDebian();
  await access(KEYRING).catch((error: unknown) => {
    throw new StartError(`The Debian package set needs Debian's keys: install debian-archive-keyring.`, {
      cause: error,
    });
  });
  await layOut(folder, architecture, sources);
  try {
    await apt(['update']);
  } catch (error) {
    const signed = withoutUnsigned(sources, error);
    if (signed.length === sources.length) throw error;
    if (signed.length === 0) throw noDebian();
    sources = signed;
    await layOut(folder, architecture, sources);
    await apt(['update']);
  }
  const targets = ['indextargets', '--format', '$(CODENAME)', 'Created-By: Packages'];
  const codenames = new Set((await apt(targets)).split('\n').filter(Boolean));
  if (codenames.size === 0) {
    throw new StartError(`This machine's sources of Debian packages have none for ${architecture}.`);
  }
  // "stable" and its like are of one release today and of another tomorrow.
  const others = [...codenames].filter(name => name.split('-')[0] !== CODENAME);
  if (others.length > 0 || !codenames.has(CODENAME)) throw noDebian(others);

  return {
    hosts: [...new Set(sources.map(({ uri }) => new URL(uri).host || uri))],
    async locate(names) {
      const debs = parseUris(await apt(['download', '--print-uris', ...names]));
      const [missing] = names.filter(wanted => !debs.some(({ name }) => name === wanted));
      if (missing !== undefined) throw new StartError(`apt-get does not say where to find ${missing}.`);
      return debs;
    },
    async download(debs, into) {
      await apt(['download', ...debs.map(({ name }) => name)], into);
      const files = new Set(await readdir(into));
      const [missing] = debs.filter(({ file }) => !files.has(file));
      if (missing !== undefined) throw new StartError(`apt-get did not fetch ${missing.file}.`);
    },
  };
}

/** Parses lines of address, file name, size and hash: `'http://…' hello_2.10-3_amd64.deb 53152 SHA256:…`. */
export function parseUris(lines: string): DebFile[] {
  const pattern =
    /^'[^']+' (?<file>(?<name>[a-z0-9.+-]+)_[^\s/]+\.deb) (?<size>\d+) SHA256:(?<sha256>[0-9a-f]{64})$/gm;
  return [...lines.matchAll(pattern)].map(({ groups }) => {
    const { name = '', file = '', size, sha256 = '' } = groups ?? {};
    return { name, file, size: Number(size), sha256 };
  });
}

/** The folders that apt wants, and settings that replace the machine's wherever those would act outside of them. */
async function layOut(folder: string, architecture: string, sources: readonly AptSource[]): Promise<void> {
  await mkdir(join(folder, 'state', 'lists', 'partial'), { recursive: true });
  await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
  await writeFile(join(folder, 'status'), '');
  const lines = sources.map(({ uri, suite }) => `deb [signed-by=${KEYRING}] ${uri} ${suite} main\n`);
  await writeFile(join(folder, 'sources.list'), lines.join(''));
  const at = (name: string): string => `"${join(folder, name)}"`;
  const settings = [
    `Dir::State ${at('state')};`,
    `Dir::State::status ${at('status')};`,
    `Dir::Cache ${at('cache')};`,
    `Dir::Etc::sourcelist ${at('sources.list')};`,
    ...['sourceparts', 'preferences', 'preferencesparts', 'trusted', 'trustedparts'].map(
      name => `Dir::Etc::${name} "/dev/null";`,
    ),
    // Whatever the machine does after its own updates.
    ...['Pre-Invoke', 'Post-Invoke', 'Post-Invoke-Success'].map(name => `#clear APT::Update::${name};`),
    // Lists of packages, and none of what the machine also wants to know of its own sources.
    '#clear Acquire::IndexTargets;',
    'Acquire::IndexTargets::deb::Packages {',
    '  MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages";',
    '  ShortDescription "Packages";',
    '  Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Packages";',
    '  Optional "0";',
    '};',
    '#clear APT::Architectures;',
    `APT::Architecture "${architecture}";`,
    `APT::Architectures { "${architecture}"; };`,
    'APT::Sandbox::User "root";',
    'Acquire::Languages "none";',
    'Acquire::Retries "3";',
  ];
  await writeFile(join(folder, 'apt.conf'), `${settings.join('\n')}\n`);
}

/** Others name their suites as Debian does. What Debian's keys have not signed is not Debian's. */
function withoutUnsigned(sources: readonly AptSource[], error: unknown): AptSource[] {
  const stderr = error instanceof StartError && error.cause instanceof ExecaError ? error.cause.stderr : '';
  const unsigned = new Set(
    [...String(stderr).matchAll(/^E: The repository '(?<source>\S+ \S+) .*' is not signed/gm)].map(
      ({ groups }) => groups?.['source'],
    ),
  );
  return sources.filter(({ uri, suite }) => !unsigned.has(`${uri.replace(/\/$/, '')} ${suite}`));
}

function noDebian(found: readonly string[] = []): StartError {
  const instead = found.length === 0 ? '' : ` (there is ${found.join(', ')})`;
  return new StartError(
    `The bundled package set is made of Debian 12's packages (${CODENAME}), and this machine's package sources are not Debian 12's${instead}: use another --source.`,
  );
}

function aptProblem({ stderr, shortMessage }: ExecaError): string {
  const lines = String(stderr).split('\n');
  const errors = lines.filter(line => line.startsWith('E: ')).map(line => line.slice('E: '.length));
  return `apt-get cannot fetch Debian's packages: ${errors[0] ?? shortMessage}`;
}
