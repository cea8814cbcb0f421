// What a local system needs from the machine, and how what is missing is installed from Debian.
import { readdir } from 'node:fs/promises';
import { execa } from 'execa';
import type { PackageSource } from '#core/package-source.ts';
import { findCommand, type Machine } from './machine.ts';
import { StartError } from './start-error.ts';

export interface Prerequisite {
  readonly command: string;
  /** Debian's name of the package that has it. */
  readonly debianPackage: string;
  /** The sources that need it; where not given, all of them, and the choice among them. */
  readonly sources?: readonly PackageSource['kind'][];
}

const PREREQUISITES: readonly Prerequisite[] = [
  { command: 'nix-instantiate', debianPackage: 'nix-bin' },
  { command: 'nix-store', debianPackage: 'nix-bin' },
  { command: 'patchelf', debianPackage: 'patchelf', sources: ['debian'] },
  { command: 'dpkg-deb', debianPackage: 'dpkg', sources: ['debian'] },
  { command: 'busybox', debianPackage: 'busybox-static', sources: ['channel', 'git', 'path', 'flake'] },
  { command: 'git', debianPackage: 'git', sources: ['git', 'path', 'flake'] },
];

/** A kind of package source; `auto` while it is to be chosen. */
export type SourceKind = PackageSource['kind'] | 'auto';

/**
 * Installs what is missing for packages from these sources, and nothing that is there. Calls `report` with one line before.
 * Throws a {@link StartError} that says what to install where it cannot do it itself.
 */
export async function installPrerequisites(
  sources: ReadonlySet<SourceKind>,
  machine: Machine,
  report: (text: string) => void,
): Promise<void> {
  const isUnchosen = sources.has('auto') && (await missingOf(neededFor(new Set()), machine)).length > 0;
  // Debian's Nix is too old for nixpkgs: the choice will be the bundled set, whose needs come along.
  await installMissing(neededFor(isUnchosen ? new Set([...sources, 'debian']) : sources), machine, report);
}

/** Installs those of `needed` that are missing, as {@link installPrerequisites} does. */
export async function installMissing(
  needed: readonly Prerequisite[],
  machine: Machine,
  report: (text: string) => void,
): Promise<void> {
  const missing = await missingOf(needed, machine);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))];
  const apt = await findApt(missing, packages, machine);
  report(`Installing ${packages.join(', ')} from Debian (${apt.description})`);
  await install(apt, packages, machine);
  const still = await missingOf(missing, machine);
  if (still.length > 0) {
    throw new StartError(
      `${listOf(still)} missing still, although ${packages.join(', ')} was installed: look at PATH.`,
    );
  }
}

interface Apt {
  /** The command that apt-get's arguments follow. */
  readonly command: readonly [string, ...string[]];
  readonly description: string;
}

/** How apt-get can be run here. Throws a {@link StartError} that says what to install where it cannot. */
async function findApt(
  missing: readonly Prerequisite[],
  packages: readonly string[],
  machine: Machine,
): Promise<Apt> {
  const names = packages.join(' ');
  const aptGet = await findCommand('apt-get', machine);
  if (aptGet === undefined || machine.release !== 'debian 12') {
    throw new StartError(
      `${listOf(missing)} missing. Only on Debian 12 is that installed by itself: install here what Debian calls ${names}.`,
    );
  }
  if (machine.userId === 0) return { command: [aptGet], description: 'apt-get' };
  const sudo = await findCommand('sudo', machine);
  const may = sudo !== undefined && (await execa(sudo, ['-n', 'true'], { reject: false })).exitCode === 0;
  if (!may) {
    throw new StartError(
      `${listOf(missing)} missing, and this user cannot install without a password. Run: sudo apt-get install ${names}`,
    );
  }
  // sudo takes no variables along.
  return {
    command: [sudo, '-n', 'env', 'DEBIAN_FRONTEND=noninteractive', aptGet],
    description: 'sudo apt-get',
  };
}

/** Installs by apt-get, after an update where there are no lists or where they prove to be too old. */
async function install(apt: Apt, packages: readonly string[], machine: Machine): Promise<void> {
  const options = ['--yes', '--no-remove', '--no-install-recommends', '--option', 'DPkg::Lock::Timeout=120'];
  const attempt = () => runApt(apt, ['install', ...options, ...packages], machine);
  if (!(await hasLists(machine))) await runApt(apt, ['update'], machine);
  let result = await attempt();
  if (result.failed) {
    await runApt(apt, ['update'], machine);
    result = await attempt();
  }
  if (!result.failed) return;
  const complaint = result.stderr.split('\n').findLast(line => line.startsWith('E: '));
  const reason = complaint?.replace(/^E: /, '') ?? `exit code ${result.exitCode}`;
  const names = packages.join(' ');
  throw new StartError(
    `apt-get could not install ${names} (${reason}). Install it by hand, then start again.`,
  );
}

function runApt({ command }: Apt, args: readonly string[], machine: Machine) {
  const [program, ...first] = command;
  const env = { PATH: machine.searchPath, DEBIAN_FRONTEND: 'noninteractive' };
  return execa(program, [...first, ...args], { env, stdin: 'ignore', reject: false });
}

async function hasLists({ aptLists }: Machine): Promise<boolean> {
  const files = await readdir(aptLists).catch(() => []);
  return files.some(file => file.includes('_Packages'));
}

function neededFor(kinds: ReadonlySet<SourceKind>): Prerequisite[] {
  return PREREQUISITES.filter(
    ({ sources }) => sources === undefined || sources.some(kind => kinds.has(kind)),
  );
}

async function missingOf(needed: readonly Prerequisite[], machine: Machine): Promise<Prerequisite[]> {
  const found = await Promise.all(needed.map(({ command }) => findCommand(command, machine)));
  return needed.filter((_, index) => found[index] === undefined);
}

/** `nix-store and patchelf are`: the commands, and the verb. */
function listOf(missing: readonly Prerequisite[]): string {
  const names = missing.map(({ command }) => command);
  const last = names.pop() ?? '';
  return names.length === 0 ? `${last} is` : `${names.join(', ')} and ${last} are`;
}
