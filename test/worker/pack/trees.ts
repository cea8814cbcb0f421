// File trees for the packer's tests: made on disk, read back, and unpacked by GNU tar.
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parseStorePath, type StorePath } from '#core/store-path.ts';

/** Names, link targets and contents are bytes as latin1 text. */
export type Tree = { readonly [name: string]: TreeNode };
export type TreeNode =
  | { readonly kind: 'folder'; readonly tree: Tree }
  | { readonly kind: 'file'; readonly content: string; readonly executable: boolean }
  | { readonly kind: 'link'; readonly target: string };

export const folder = (tree: Tree = {}): TreeNode => ({ kind: 'folder', tree });
export const file = (content = '', executable = false): TreeNode => ({ kind: 'file', content, executable });
export const link = (target: string): TreeNode => ({ kind: 'link', target });

/** A store path with a hash of one repeated digit. */
export function storePath(name: string, digit = '0'): StorePath {
  return parseStorePath(`/nix/store/${digit.repeat(32)}-${name}`);
}

/** A fresh folder, removed with all that is in it when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'derivery-pack-'));
  t.after(() => remove(path));
  return path;
}

/** Removes a tree, read-only folders included (whoever is not root cannot do so directly). */
export function remove(path: string): void {
  execFileSync('chmod', ['-R', 'u+rwX', path]);
  rmSync(path, { recursive: true });
}

/** Makes a node at a path that does not exist yet; the names of a folder in the order given. */
export function makeNode(path: string, node: TreeNode): void {
  const place = bytes(path);
  switch (node.kind) {
    case 'folder':
      mkdirSync(place);
      for (const [name, child] of Object.entries(node.tree)) makeNode(`${path}/${name}`, child);
      break;
    case 'file':
      writeFileSync(place, bytes(node.content));
      chmodSync(place, node.executable ? 0o755 : 0o644);
      break;
    case 'link':
      symlinkSync(bytes(node.target), place);
      break;
  }
}

/** Reads a node back, the names of a folder in the order of their bytes. */
export function readNode(path: string): TreeNode {
  const place = bytes(path);
  const stats = lstatSync(place);
  if (stats.isSymbolicLink()) return link(readlinkSync(place, { encoding: 'latin1' }));
  if (stats.isFile()) return file(readFileSync(place, 'latin1'), (stats.mode & 0o100) !== 0);
  const names = readdirSync(place, { encoding: 'latin1' }).sort();
  return folder(Object.fromEntries(names.map(name => [name, readNode(`${path}/${name}`)])));
}

/** A node with the names of its folders in the order of their bytes. */
export function ordered(node: TreeNode): TreeNode {
  if (node.kind !== 'folder') return node;
  const names = Object.keys(node.tree).sort();
  return folder(Object.fromEntries(names.map(name => [name, ordered(node.tree[name] ?? file())])));
}

/** Runs GNU tar on an archive. */
export function gnuTar(archive: Uint8Array, ...options: string[]): string {
  return execFileSync('tar', ['--numeric-owner', '--warning=no-timestamp', ...options], {
    input: archive,
    encoding: 'latin1',
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Unpacks an archive with its exact permission bits. */
export function unpack(archive: Uint8Array, into: string): void {
  gnuTar(archive, '-xpf', '-', '--no-same-owner', '-C', into);
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
