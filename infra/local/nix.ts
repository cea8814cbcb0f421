// Nix on the machine at hand: which it is, how it is configured for a source, and whether it can build.
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { ConfigurationError } from '#core/errors.ts';
import type { PackageSource } from '#core/package-source.ts';
import { errorMessage } from '#worker/nix/nix-message.ts';
import { openNix, type NixSettings } from '#worker/nix/nix.ts';
import { runNix } from '#worker/nix/run-nix.ts';
import { StartError } from './start-error.ts';

/** The version of the installed Nix, `2.8.0`. Throws a {@link StartError} where there is none. */
export async function nixVersion(): Promise<string> {
  const { stdout, code, shortMessage } = await execa('nix-instantiate', ['--version'], { reject: false });
  if (code === 'ENOENT') {
    throw new StartError('Nix is not installed: install nix-bin (Debian), or Nix from nixos.org.');
  }
  const version = /(?<version>\d+\.\d+(?:\.\d+)?)/.exec(stdout ?? '')?.groups?.['version'];
  if (version === undefined) throw new StartError(`Nix does not run: ${shortMessage}`);
  return version;
}

/** The settings of Nix for packages from these sources, in a store of the instance's own, without a daemon. */
export async function nixConfig(...sources: readonly PackageSource['kind'][]): Promise<string> {
  const hasDebian = sources.includes('debian');
  const hasOthers = sources.some(source => source !== 'debian');
  const lines = [
    // Builds run as the user that runs the worker.
    'build-users-group =',
    'build-poll-interval = 1',
    'max-jobs = auto',
    'cores = 0',
    'warn-dirty = false',
    ...(hasOthers ? [] : ['substituters =']),
    // One or the other: of a shell that is put into the machine's own /bin, Nix makes a file there, in place of the
    // machine's. With both kinds of sources nixpkgs' builds find the machine's shell, and what it needs.
    hasDebian ? DEBIAN_SANDBOX : `sandbox-paths = /bin/sh=${await findBusybox()}`,
    ...(hasDebian ? ['extra-platforms = aarch64-linux x86_64-linux'] : []),
  ];
  return lines.map(line => `${line}\n`).join('');
}

/** The Debian set's builder takes bash, tar, dpkg-deb and patchelf from the machine (nix/debian/deb.sh), on any processor. */
const DEBIAN_SANDBOX = 'sandbox-paths = /bin /lib /lib64? /usr';

/** nixpkgs' own builds expect one program of the machine, a shell; it has to need no libraries. */
async function findBusybox(): Promise<string> {
  for (const folder of ['/usr/bin', '/bin', '/usr/local/bin']) {
    const file = join(folder, 'busybox');
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  throw new StartError("Nix's builds need a busybox without libraries: install busybox-static.");
}

/** The oldest Nix that the worker's commands were tried with. */
const OLDEST = [2, 8] as const;

/**
 * Makes sure that Nix can build with these settings, by building something. Throws a {@link StartError} that says in one
 * sentence why it cannot.
 */
export async function checkNix(settings: NixSettings, signal: AbortSignal): Promise<void> {
  const version = await nixVersion();
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new StartError(`Nix ${version} is too old: ${OLDEST.join('.')} is the oldest that is supported.`);
  }
  if (settings.store?.includes('?')) {
    throw new StartError(
      `Nix takes no store whose path has a "?" (${settings.store}): choose another state folder.`,
    );
  }
  try {
    await buildTrial(settings, signal);
  } catch (error) {
    if (error instanceof ConfigurationError)
      throw new StartError(withRemedy(error.message), { cause: error });
    throw error;
  }
}

const TRIAL =
  'derivation { name = "trial"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo >$out" ]; }';

async function buildTrial(settings: NixSettings, signal: AbortSignal): Promise<void> {
  // Nothing to ask the network about.
  const nix = openNix({ ...settings, config: `${settings.config}\nsubstitute = false\n` });
  const instantiated = await runNix(nix, 'nix-instantiate', ['--expr', TRIAL], { signal });
  if (!instantiated.succeeded) {
    throw new StartError(`Nix cannot use its store: ${oneLine(instantiated.stderr)}`);
  }
  const built = await runNix(nix, 'nix-store', ['--realise', instantiated.stdout.trim()], { signal });
  if (!built.succeeded) throw new StartError(`Nix cannot build here: ${oneLine(built.stderr)}`);
}

function withRemedy(problem: string): string {
  return /not permitted|Permission denied|Invalid argument|No space left/.test(problem)
    ? `Nix cannot build here, because this user may not create namespaces (${problem}): run as root, or allow user namespaces.`
    : problem;
}

function oneLine(stderr: string): string {
  return errorMessage(stderr).replaceAll(/\s+/g, ' ');
}
