// What an image's root has beside the packages' own files, so that ordinary programs find what they expect.
import { claim, type RootPlan } from './link-plan.ts';

const FOLDERS = ['etc', 'home', 'root', 'tmp', 'var', 'var/tmp'];

/** Folders whose permission bits differ from the usual 0755. */
const MODES: ReadonlyMap<string, number> = new Map([
  ['root', 0o700],
  ['tmp', 0o1777],
  ['var/tmp', 0o1777],
]);

const FILES = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n',
  'etc/group': 'root:x:0:\nnobody:x:65534:\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};

/**
 * Names that programs look for, by the name of the same file among the packages: the interpreter of countless scripts,
 * and the certificates at Debian's path (nixpkgs' cacert has them under Red Hat's name).
 */
const SECOND_NAMES = {
  'usr/bin/env': 'bin/env',
  'etc/ssl/certs/ca-certificates.crt': 'etc/ssl/certs/ca-bundle.crt',
};

/** Adds the root's own files. What a package brings at the same path stays. */
export function addRootFiles(plan: RootPlan): void {
  for (const path of FOLDERS) claim(plan, path, { kind: 'directory' });
  for (const [path, content] of Object.entries(FILES)) claim(plan, path, { kind: 'file', content });
  for (const [path, same] of Object.entries(SECOND_NAMES)) {
    const node = plan.get(same);
    if (node?.kind !== 'link') continue;
    for (const folder of foldersAbove(path)) claim(plan, folder, { kind: 'directory' });
    claim(plan, path, node);
  }
}

/** Permission bits of a folder in the root's tree. */
export function folderMode(path: string): number {
  return MODES.get(path) ?? 0o755;
}

function foldersAbove(path: string): string[] {
  const names = path.split('/');
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'));
}
