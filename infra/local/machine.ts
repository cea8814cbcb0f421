// The machine that a local system is started on, as far as the start depends on it.
import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Machine {
  /** The folders that commands are looked for in: PATH. */
  readonly searchPath: string;
  readonly userId: number;
  /** `ID` and `VERSION_ID` of os-release(5): `debian 12`. */
  readonly release: string;
  /** Where apt keeps its lists of packages. */
  readonly aptLists: string;
}

export async function thisMachine(): Promise<Machine> {
  return {
    searchPath: process.env['PATH'] ?? '/usr/bin:/bin',
    userId: process.getuid?.() ?? 0,
    release: parseRelease(await readFile('/etc/os-release', 'utf8').catch(() => '')),
    aptLists: '/var/lib/apt/lists',
  };
}

/** The file that a command runs; undefined where it is not on the search path. */
export async function findCommand(
  command: string,
  { searchPath }: Pick<Machine, 'searchPath'>,
): Promise<string | undefined> {
  for (const folder of searchPath.split(':').filter(Boolean)) {
    const file = join(folder, command);
    const runs = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return file;
  }
  return undefined;
}

/** `ID VERSION_ID` out of an os-release file: values may be quoted. */
function parseRelease(osRelease: string): string {
  const valueOf = (key: string): string =>
    new RegExp(`^${key}=["']?([^"'\n]*)`, 'm').exec(osRelease)?.[1] ?? 'unknown';
  return `${valueOf('ID')} ${valueOf('VERSION_ID')}`;
}
