// Every way in which an image cannot be had, and what the person at the terminal reads of it: docker's words and skopeo's.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { execa } from 'execa';
import { startDockerEngine, type DockerEngine } from './docker-engine.ts';
import { startLocalSystem, type LocalSystem } from './local-system.ts';

/** A Docker engine cannot be started by an ordinary user. Where everything has to be tested, that is a failure. */
const skip = process.getuid?.() !== 0 && process.env['CI'] !== 'true' && 'dockerd needs root';

/** More than any image here has packages, but one; less than any has bytes. */
const LIMITS = { DERIVERY_PACKAGE_LIMIT: '6', DERIVERY_CLOSURE_LIMIT_MB: '1' };

/** There is nothing of these sets on cache.nixos.org, and it takes time to find out where there is no network. */
const NO_CACHE = 'substituters =\n';

const cases: readonly [image: string, texts: readonly RegExp[]][] = [
  ['gti', [/"gti" is not in the package set \(did you mean git\b/]],
  ['zzzzzzzz', [/"zzzzzzzz" is not in the package set"?$/]],
  ['xorg.xew', [/"xorg\.xew" is not in the package set \(did you mean xorg\.xev\?\)/]],
  // All at once, each with its reason.
  [
    'hello/gti/curlx/lib/unfree-hello',
    [
      /"gti" is not in .*git/,
      /"curlx" is not in .*curl/,
      /"lib" is not a package/,
      /"unfree-hello" .*unfree/,
    ],
  ],
  ['hello/shell', [/"shell" is not in the package set .*it has to come first/]],
  ['arm64', [/"arm64" names no package: add one, as in arm64\/hello/]],
  ['twin-hello', [/"twin-hello" could be any of .*Twin-hello \(written .*\).*twin-Hello \(written /]],
  ['lib', [/"lib" is not a package but a set of attributes/]],
  ['lib.version', [/"lib\.version" is not a package but a string/]],
  [
    'unfree-hello',
    [/"unfree-hello" has an unfree license/, /Package ‘unfree-hello-.*’ has an unfree license/],
  ],
  ['broken-hello', [/"broken-hello" is marked as broken/]],
  ['insecure-hello', [/"insecure-hello" is marked as insecure/]],
  ['unsupported-hello', [/"unsupported-hello" is not available on this platform/]],
  // The set's own text.
  ['removed-hello', [/"removed-hello" .*removed-hello has been removed, use hello/]],
  ['aborting-hello', [/"aborting-hello" cannot be evaluated: .*this cannot be caught/]],
  ['recursive-hello', [/"recursive-hello" cannot be evaluated: .*infinite recursion/]],
  ['mistyped-hello', [/"mistyped-hello" cannot be evaluated: .*attribute 'noSuchAttribute' missing/]],
  ['failing-hello', [/failing-hello/, /The end of its log:/, /line 200 of the log/, /the build says why/]],
  ['a/b/c/d/e/f/g', [/the name asks for 7 packages; the limit is 6/]],
  ['hello', [/hello comes to [0-9.]+ MB with all it needs; the limit here is 1\.0 MB/]],
  // The rest of the sentence lists what there is.
  [
    'hello:nope',
    [/there is no tag "nope" here, but "set-\*" \(git:\/.*\/set\.git#\*\) and "latest" \(debian\)/],
  ],
  ['hello:set-gone', [/\/set\.git has no branch, tag or commit "gone"/]],
  [`hello:set-${'0'.repeat(40)}`, [/\/set\.git has no branch or tag that leads to a commit 0{40}/]],
  ['hello:set-a..b', [/git can have no branch, tag or commit "a\.\.b"/]],
];

await suite('on the terminal', { timeout: 240_000, skip, concurrency: 6 }, () => {
  let system: LocalSystem;
  let engine: DockerEngine;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'derivery-errors-'));
    const set = join(folder, 'set.git');
    await execa('git', ['init', '--quiet', '--initial-branch=main', set]);
    await writeFile(join(set, 'default.nix'), '{ ... }: { }');
    const author = ['-c', 'user.name=n', '-c', 'user.email=a@b'];
    await execa('git', ['-C', set, 'add', '.']);
    await execa('git', ['-C', set, ...author, 'commit', '--quiet', '--message=set']);
    [system, engine] = await Promise.all([
      startLocalSystem({
        source: 'debian',
        env: { ...LIMITS, NIX_CONFIG: NO_CACHE, DERIVERY_SOURCES: `set-*=git:${set}` },
      }),
      startDockerEngine(),
    ]);
  });

  after(async () => {
    await engine[Symbol.asyncDispose]();
    await system.stop();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [image, texts] of cases) {
    test(`docker and skopeo say why there is no ${image}`, async () => {
      const [docker, skopeo] = await Promise.all([
        engine.docker('pull', `${system.registry}/${image}`),
        execa('skopeo', ['inspect', '--tls-verify=false', `docker://${system.registry}/${image}`], {
          reject: false,
        }),
      ]);
      assert.notEqual(docker.exitCode, 0);
      assert.notEqual(skopeo.exitCode, 0);
      for (const text of texts) {
        assert.match(docker.all, text);
        assert.match(unquoted(skopeo.stderr), text);
      }
    });
  }
});

/** skopeo's log has what it was told as a string in quotes. */
function unquoted(text: string): string {
  return text.replaceAll(/\\+n/g, '\n').replaceAll(/\\+"/g, '"');
}
