// What an image's root has beside the packages' own files, so that ordinary programs find what they expect.
import { dirname, relative } from 'node:path/posix';
import type { User } from '#core/meta-packages.ts';
import type { Owner } from '#core/owner.ts';
import { claim, type PlannedNode, type RootPlan } from './link-plan.ts';
import { accountOf, group, passwd } from './users.ts';

const FOLDERS = ['etc', 'home', 'root', 'run', 'tmp', 'var', 'var/empty', 'var/tmp'];

/** Folders whose permission bits differ from the usual 0755. */
const MODES: ReadonlyMap<string, number> = new Map([
  ['root', 0o700],
  ['tmp', 0o1777],
  ['var/empty', 0o555],
  ['var/tmp', 0o1777],
]);

/** The certificates, where nixpkgs' cacert has them. */
export const CERTIFICATES = 'etc/ssl/certs/ca-bundle.crt';

/** Where else programs look for them: Debian's and most others, OpenSSL's own, Red Hat's, and Debian's OpenSSL. */
const CERTIFICATES_ELSEWHERE = [
  'etc/ssl/certs/ca-certificates.crt',
  'etc/ssl/cert.pem',
  'etc/pki/tls/certs/ca-bundle.crt',
  'usr/lib/ssl/cert.pem',
];

/**
 * Adds the root's own folders and files, and second names for what programs look for under several. What a package brings
 * at the same path stays: whoever asks for that package by its name wants it. Two things do not give way: the folders
 * that every program may rely on, and for `nonroot` passwd and group, since the user has to be in them.
 */
export function addRootFiles(plan: RootPlan, user: User): void {
  for (const path of FOLDERS) claim(plan, path, { kind: 'directory' });
  claim(plan, 'var/run', { kind: 'link', target: '../run' });
  addAccounts(plan, user);
  claim(plan, 'etc/nsswitch.conf', file('passwd: files\ngroup: files\nhosts: files dns\n'));
  // The interpreter line of countless scripts is `#!/usr/bin/env`, and of many more `#!/usr/bin/something`.
  for (const program of namesIn(plan, 'bin')) addSecondName(plan, `usr/bin/${program}`, `bin/${program}`);
  for (const path of CERTIFICATES_ELSEWHERE) addSecondName(plan, path, CERTIFICATES);
}

/** Permission bits of a folder in the root's tree. */
export function folderMode(path: string): number {
  return MODES.get(path) ?? 0o755;
}

/** Whom a path in the root's tree belongs to: the user's home, with all that is in it, is the user's. */
export function ownerOf(path: string, user: User, owner: Owner): Owner {
  const { home, uid, gid } = accountOf(user);
  return user === 'nonroot' && `/${path}/`.startsWith(`${home}/`) ? { uid, gid } : owner;
}

function addAccounts(plan: RootPlan, user: User): void {
  const shell = ['bin/bash', 'bin/sh'].find(path => plan.has(path)) ?? 'sbin/nologin';
  const files = { 'etc/passwd': passwd(user, `/${shell}`), 'etc/group': group(user) };
  for (const [path, content] of Object.entries(files)) {
    if (user === 'nonroot' && plan.get(path)?.kind === 'link') plan.delete(path);
    claim(plan, path, file(content));
  }
  // Open to all, as it is where a container starts: Kubernetes may have it run as another user yet.
  claim(plan, accountOf(user).home.slice(1), { kind: 'directory' });
}

function file(content: string): PlannedNode {
  return { kind: 'file', content };
}

/** The names of links directly in a folder. */
function namesIn(plan: RootPlan, folder: string): string[] {
  return [...plan]
    .filter(([path, { kind }]) => kind === 'link' && path.startsWith(`${folder}/`))
    .map(([path]) => path.slice(folder.length + 1))
    .filter(name => !name.includes('/'));
}

/**
 * Another name for a file: a relative link, so that whoever replaces the file, in an image on top of this one, replaces
 * it under all its names.
 */
function addSecondName(plan: RootPlan, path: string, same: string): void {
  if (plan.get(same)?.kind !== 'link') return;
  for (const folder of foldersAbove(path)) claim(plan, folder, { kind: 'directory' });
  claim(plan, path, { kind: 'link', target: relative(`/${dirname(path)}`, `/${same}`) });
}

function foldersAbove(path: string): string[] {
  const names = path.split('/');
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'));
}
