// Package sets of a test's own, beside the shared one.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/**
 * A folder with a package set of derivations, each a name and the bash script of its builder; `${name}` in a script is
 * another one's output. Removed when the test ends.
 *
 * The shell comes to its end itself: Nix 2.8 kills a builder that closes its output, and a program that a shell becomes (as
 * bash does for the last one) may do so a moment before it ends, as those of coreutils do: "failed due to signal 9".
 */
export async function scratchSet(
  test: TestContext,
  scripts: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'derivery-scratch-'));
  test.after(() => rm(folder, { recursive: true }));
  const attributes = Object.entries(scripts).map(
    ([name, script]) => `${name} = build "${name}" ''${script}'';\n`,
  );
  await writeFile(
    join(folder, 'default.nix'),
    `{ system, ... }:
     let build = name: script: derivation {
       inherit name system;
       builder = "/bin/bash";
       args = [ "-euc" "PATH=/usr/bin:/bin; \${script}\\n:" ];
     };
     in rec { ${attributes.join('')} }`,
  );
  return folder;
}
