// What a container of an image starts with: environment, command, user, working folder.
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageRequest } from '#core/image-request.ts';
import type { ImageConfig } from '#core/oci.ts';
import { byCodeUnits } from '#core/order.ts';
import { storePathName } from '#core/store-path.ts';
import type { FoundItem } from '../nix/resolve.ts';
import { CERTIFICATES } from '../pack/root-files.ts';
import type { RealPath } from '../pack/store-entries.ts';
import { accountOf } from '../pack/users.ts';

export type Container = Pick<ImageConfig, 'environment' | 'command' | 'user' | 'workingFolder'>;

/** The container of an image that has `items`, whose outputs are there. */
export function containerOf(
  request: Pick<ImageRequest, 'packages' | 'user'>,
  items: readonly FoundItem[],
  realPath: RealPath,
): Container {
  const has = ({ path }: FoundItem, file: string): boolean => hasFile(join(realPath(path), file));
  const { uid, gid, home } = accountOf(request.user);
  return {
    environment: environmentOf(items.some(item => has(item, CERTIFICATES))),
    command: commandOf(request.packages, items, has),
    ...(request.user === 'root'
      ? { user: undefined, workingFolder: '/' }
      : { user: `${uid}:${gid}`, workingFolder: home }),
  };
}

/** The links are in /bin and /sbin; what somebody installs on top of the image goes to /usr, and to /usr/local first of all. */
const PATH = '/usr/local/bin:/bin:/sbin:/usr/bin:/usr/sbin';

/** Where nearly everything looks for certificates; some programs of nixpkgs and of Debian do so only when they are told. */
const CERTIFICATES_SET = '/etc/ssl/certs/ca-certificates.crt';

function environmentOf(hasCertificates: boolean): Record<string, string> {
  if (!hasCertificates) return { PATH };
  return {
    PATH,
    SSL_CERT_FILE: CERTIFICATES_SET,
    NIX_SSL_CERT_FILE: CERTIFICATES_SET,
    GIT_SSL_CAINFO: CERTIFICATES_SET,
  };
}

const SHELL_COMMAND = ['/bin/bash'];

/**
 * The interactive shell, where the name asks for one; else the main program, where it asks for a single package; else the
 * shell that the deployment gives every image, if it does. By what was found, not by how it was spelled.
 */
function commandOf(
  packages: readonly string[],
  items: readonly FoundItem[],
  has: (item: FoundItem, file: string) => boolean,
): readonly string[] | undefined {
  // Several attributes may be one package and say different things of it: in an order of their own, not in the name's.
  const asked = items
    .filter(({ name }) => packages.includes(name))
    .toSorted((a, b) => byCodeUnits(a.attribute, b.attribute));
  if (asked.some(isShell)) return SHELL_COMMAND;
  const [first] = asked;
  const isSingle = first !== undefined && asked.every(({ drv }) => drv === first.drv);
  const program = isSingle ? mainProgram(first, asked, has) : undefined;
  if (program !== undefined) return [`/bin/${program}`];
  return items.some(isShell) ? SHELL_COMMAND : undefined;
}

/**
 * By the name of its store path, as nixpkgs has it, which is the same for all its attributes (`bash` is one of them); of a
 * set that names it otherwise by the attribute, wherever that is.
 */
function isShell({ attribute, output, path }: FoundItem): boolean {
  if (output !== 'out') return false;
  const isNamedSo = /^bash-interactive(?:-[0-9]|$)/.test(storePathName(path));
  return isNamedSo || /(?:^|\.)bashInteractive(?:\.out)?$/.test(attribute);
}

/** What the package itself calls its main program, or the program of its name: where one of its outputs has it. */
function mainProgram(
  { mainProgram: own, pname }: FoundItem,
  outputs: readonly FoundItem[],
  has: (item: FoundItem, file: string) => boolean,
): string | undefined {
  return [own, pname].find(
    (name): name is string =>
      name !== null && /^[^/]+$/.test(name) && outputs.some(output => has(output, `bin/${name}`)),
  );
}

/** Links are not followed: those into the store lead elsewhere where the store is not at its own place. */
function hasFile(place: string): boolean {
  try {
    return !lstatSync(place).isDirectory();
  } catch (error) {
    // An output may be a file itself, and a package may call its program anything.
    if (error instanceof Error && 'code' in error && NOT_THERE.has(error.code)) return false;
    throw error;
  }
}

const NOT_THERE: ReadonlySet<unknown> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ENAMETOOLONG',
  'ERR_INVALID_ARG_VALUE',
]);
