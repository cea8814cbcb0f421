// A repository as people have them, and some things in it that nobody should have.
import { mkdtemp, rm, symlink, writeFile, mkdir, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';

export interface Upstream extends AsyncDisposable {
  /** Holds everything; removed at the end. */
  readonly folder: string;
  /** The work tree that commits are made in. */
  readonly tree: string;
  /** The repository that is served. */
  readonly bare: string;
  readonly url: string;
  /** Runs git in the work tree, whatever the machine's own configuration says. */
  readonly git: (...args: string[]) => Promise<string>;
  /** Commits a default.nix that holds this text, on the branch at hand. */
  readonly commit: (text: string) => Promise<string>;
  /** Brings all branches and tags to the served repository. */
  readonly push: () => Promise<void>;
}

export async function createUpstream(): Promise<Upstream> {
  const folder = await mkdtemp(join(tmpdir(), 'derivery-git-'));
  const [tree, bare] = [join(folder, 'tree'), join(folder, 'bare.git')];
  const git = (...args: string[]): Promise<string> => gitIn(tree, ...args);
  await mkdir(tree);
  await git('init', '--quiet', '--initial-branch=trunk');
  await execa('git', ['init', '--quiet', '--bare', '--initial-branch=trunk', bare], { env: ENVIRONMENT });
  return {
    folder,
    tree,
    bare,
    url: pathToFileURL(bare).href,
    git,
    async commit(text) {
      await writeFile(join(tree, 'default.nix'), `"${text}"\n`);
      await git('add', '--all');
      await git('commit', '--quiet', '--message', text);
      return git('rev-parse', 'HEAD');
    },
    async push() {
      await git('push', '--quiet', '--force', '--prune', bare, 'refs/heads/*', 'refs/tags/*');
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

const ENVIRONMENT = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  ...Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap(role => [
      [`GIT_${role}_NAME`, 'Test'],
      [`GIT_${role}_EMAIL`, 'test@example.org'],
      [`GIT_${role}_DATE`, '2026-01-01T00:00:00Z'],
    ]),
  ),
};

export async function gitIn(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await execa('git', ['-C', folder, ...args], { env: ENVIRONMENT });
  return stdout;
}

/** A commit on top of trunk that the server has and no ref leads to, as a fork's are on GitHub. */
export async function commitOfFork({ bare }: Upstream): Promise<string> {
  return gitIn(bare, 'commit-tree', '-p', 'refs/heads/trunk', '-m', 'not yours', 'refs/heads/trunk^{tree}');
}

/**
 * Commits files that git may treat in a way of its own: links, an executable, attributes of all kinds, a submodule.
 * Answers the commit and what a tree of it holds: content by name, `-> …` for links, `/` for folders that are empty.
 */
export async function commitOddities(
  upstream: Upstream,
): Promise<{ commit: string; holds: Record<string, string> }> {
  const { tree, git } = upstream;
  const files: Record<string, string> = {
    '.gitattributes':
      '*.lfs filter=lfs -text\n*.evil filter=evil\nhidden* export-ignore\n*.subst export-subst\n*.crlf eol=crlf\n*.id ident\n*.wide text working-tree-encoding=UTF-16\n',
    '.gitmodules': '[submodule "sub"]\n\tpath = sub\n\turl = ../sub.git\n',
    'large.lfs': 'version https://git-lfs.github.com/spec/v1\n',
    'a.evil': 'harmless\n',
    'hidden.nix': '{ }\n',
    'hidden-folder/file': 'seen\n',
    'commit.subst': '$Format:%H$\n',
    'lines.crlf': 'one\ntwo\n',
    'version.id': '$Id$\n',
    'text.wide': 'é\n',
    'bin/run': '#!/bin/sh\n',
    'a name – with spaces\nand more': '',
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(tree, name, '..'), { recursive: true });
    await writeFile(join(tree, name), content);
  }
  await chmod(join(tree, 'bin/run'), 0o755);
  await symlink('default.nix', join(tree, 'link'));
  await symlink('/etc/hostname', join(tree, 'outside'));
  await symlink('nowhere', join(tree, 'dangling'));
  // Taken as they are: git add would do what the attributes say.
  await git('add', '.gitattributes', '.gitmodules', 'link', 'outside', 'dangling', 'bin');
  for (const name of Object.keys(files)) {
    const blob = await git('hash-object', '-w', '--no-filters', '--', name);
    const mode = name === 'bin/run' ? '100755' : '100644';
    await git('update-index', '--add', '--cacheinfo', `${mode},${blob},${name}`);
  }
  await git('update-index', '--add', '--cacheinfo', `160000,${'5'.repeat(40)},sub`);
  await git('commit', '--quiet', '--message', 'oddities');
  const commit = await git('rev-parse', 'HEAD');
  const holds = {
    ...files,
    'bin/run': '* #!/bin/sh\n',
    'default.nix': '"odd"\n',
    link: '-> default.nix',
    outside: '-> /etc/hostname',
    dangling: '-> nowhere',
    sub: '/',
  };
  return { commit, holds };
}
