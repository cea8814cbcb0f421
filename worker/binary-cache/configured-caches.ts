// The binary caches that Nix is set up with, as its own configuration says it (nix.conf(5)).
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/** What Nix uses where nothing is said. */
const DEFAULT_CACHES = ['https://cache.nixos.org/'];

/** What is said of caches, so far. */
interface Said {
  caches: readonly string[];
  substitute: boolean;
}

/**
 * Addresses of the stores that packages are fetched from, in their order, as they are written: most are binary caches, and
 * some may be other stores. None where Nix is told to fetch nothing. `environment`: that of Nix's commands. Read from the
 * files that Nix reads, since the command that would tell has another form with every other version.
 */
export async function configuredCaches(
  environment: Readonly<Record<string, string>>,
  systemFile = '/etc/nix/nix.conf',
): Promise<readonly string[]> {
  const home = environment['HOME'] ?? homedir();
  const said: Said = { caches: DEFAULT_CACHES, substitute: true };
  // What is read last counts.
  for (const file of [systemFile, '/etc/xdg/nix/nix.conf', join(home, '.config/nix/nix.conf')]) {
    await applyFile(said, file);
  }
  await applyText(said, environment['NIX_CONFIG'] ?? '', '/');
  return said.substitute ? [...new Set(said.caches)] : [];
}

async function applyFile(said: Said, file: string): Promise<void> {
  // Where a file is missing that must not be, Nix itself has said so.
  const text = await readFile(file, 'utf8').catch(() => '');
  await applyText(said, text, dirname(file));
}

async function applyText(said: Said, text: string, folder: string): Promise<void> {
  for (const line of text.split('\n')) {
    const [name = '', ...rest] = line
      .replace(/#.*/, '')
      .split(/\s+/)
      .filter(token => token !== '');
    const [first = '', ...more] = rest;
    if (name === 'include' || name === '!include') {
      await applyFile(said, isAbsolute(first) ? first : join(folder, first));
    } else if (first === '=') {
      applySetting(said, name, more);
    }
  }
}

function applySetting(said: Said, name: string, values: readonly string[]): void {
  switch (name) {
    case 'substituters':
    case 'binary-caches':
      said.caches = values;
      return;
    case 'extra-substituters':
    case 'extra-binary-caches':
      said.caches = [...said.caches, ...values];
      return;
    case 'substitute':
    case 'build-use-substitutes':
      said.substitute = values[0] !== 'false';
      return;
  }
}
