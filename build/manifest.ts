// What a build came to, for those who deploy it.
import { createHash } from 'node:crypto';
import { execa } from 'execa';
import { version as esbuild } from 'esbuild';
import type { ArchivedFile } from './zip.ts';

export interface BuiltFile {
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** As dist/manifest.json has it. */
export interface Manifest {
  /** Of git; not there where the sources are in none. */
  readonly commit?: string;
  /** Whether the sources are other than that commit's. */
  readonly isModified: boolean;
  /** What the bytes depend on besides the sources. */
  readonly builtWith: { readonly node: string; readonly esbuild: string };
  readonly archives: Readonly<Record<string, BuiltFile>>;
  /** The same files one by one, by their paths in dist/. */
  readonly files: Readonly<Record<string, BuiltFile>>;
}

export type SourceState = Pick<Manifest, 'commit' | 'isModified'>;

export function describeBuild(
  state: SourceState,
  archives: readonly ArchivedFile[],
  files: readonly ArchivedFile[],
): Manifest {
  return {
    ...state,
    builtWith: { node: process.versions.node, esbuild },
    archives: described(archives),
    files: described(files),
  };
}

/** Of a project, before anything is written there. A copy without git, or a machine that has none, can be built as well. */
export async function stateOfSources(root: string): Promise<SourceState> {
  const git = (...args: readonly string[]) => execa('git', ['-C', root, ...args], { reject: false });
  // A folder in somebody else's repository is not that repository.
  const place = await git('rev-parse', '--show-prefix');
  if (place.exitCode !== 0 || place.stdout !== '') return { isModified: false };
  const [head, status] = await Promise.all([git('rev-parse', 'HEAD'), git('status', '--porcelain')]);
  return head.exitCode === 0
    ? { commit: head.stdout, isModified: status.stdout !== '' }
    : { isModified: true };
}

function described(files: readonly ArchivedFile[]): Record<string, BuiltFile> {
  return Object.fromEntries(
    files.map(({ path, content }) => [
      path,
      { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') },
    ]),
  );
}
