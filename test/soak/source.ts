// The git repository that the images of a soak are made from, and the revisions that it has had.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import pLimit from 'p-limit';
import { packageSetAt } from './packages.ts';

export interface Source {
  /** As DERIVERY_SOURCE has it. */
  readonly setting: string;
  /** The revision of each version, from 0 on. */
  readonly revisions: readonly string[];
  /** Moves on to the next version. Answers its number. */
  move(): Promise<number>;
}

export async function createSource(folder: string): Promise<Source> {
  const revisions: string[] = [];
  await mkdir(folder);

  async function git(...args: string[]): Promise<string> {
    // The same commits in every run.
    const when = `${1_700_000_000 + revisions.length} +0000`;
    const env = { GIT_AUTHOR_DATE: when, GIT_COMMITTER_DATE: when, GIT_CONFIG_GLOBAL: '/dev/null' };
    const author = ['-c', 'user.name=soak', '-c', 'user.email=soak@localhost'];
    return (await execa('git', ['-C', folder, ...author, ...args], { env })).stdout;
  }

  async function move(): Promise<number> {
    const version = revisions.length;
    await writeFile(join(folder, 'default.nix'), packageSetAt(version));
    await git('add', '.');
    await git('commit', '--quiet', '--allow-empty', `--message=version ${version}`);
    revisions.push(await git('rev-parse', 'HEAD'));
    return version;
  }

  await git('init', '--quiet', '--initial-branch=main');
  await move();
  // On a machine that is slow two moves may be due at once.
  const inTurn = pLimit(1);
  return { setting: `git:${folder}`, revisions, move: () => inTurn(move) };
}
