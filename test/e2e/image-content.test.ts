// What is in an image, and what can be done with it: line by line, with the tools that people use.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startDockerEngine, type DockerEngine } from './docker-engine.ts';
import { CHECKS, type Expected } from './image-content.ts';
import { startLocalSystem, type LocalSystem } from './local-system.ts';
import { pullManifest } from './oci-client.ts';
import { MODEST_LIMITS, openPodman, type Podman } from './podman.ts';
import { UnpackedImage } from './unpacked-image.ts';

const skip = process.getuid?.() !== 0 && process.env['CI'] !== 'true' && 'dockerd and owners need root';

const AMD64 = { user: 'root', architecture: 'amd64' } as const;
const BASH = { command: ['/bin/bash'], shell: '/bin/bash', hasCoreutils: true } as const;
const NO_SHELL = { shell: '/sbin/nologin', hasCoreutils: false } as const;

const IMAGES: readonly Expected[] = [
  { name: 'shell', ...AMD64, ...BASH, programs: ['bash', 'sh', 'ls', 'sponge', 'nano'] },
  { name: 'jq', ...AMD64, ...NO_SHELL, programs: ['jq'], command: ['/bin/jq'] },
  { name: 'nonroot/shell/python3', ...AMD64, ...BASH, user: 'nonroot', programs: ['bash', 'python3'] },
  { name: 'builder', ...AMD64, ...BASH, programs: ['bash', 'cc', 'c++', 'ld', 'make', 'tar', 'sed', 'xz'] },
  {
    name: 'arm64/curl',
    ...AMD64,
    ...NO_SHELL,
    architecture: 'arm64',
    programs: ['curl'],
    command: ['/bin/curl'],
  },
];

/** What is run in containers. */
const TOOLS = 'shell/curl/git/openssl/python3';

/** What people do first. The clone is of a repository in the container: it has no network. */
const WORK = `
  set -eu
  echo "$(id -un) $(id -u):$(id -g) $HOME $PWD"
  git init -q /tmp/origin
  git -C /tmp/origin -c user.name=n -c user.email=a@b commit -q --allow-empty -m first
  git clone -q /tmp/origin ~/clone
  git -C ~/clone log --format=%s
  echo text > ~/file; echo text > /tmp/file; echo text > /var/tmp/file
  python3 -c 'import pathlib; print(pathlib.Path.home().joinpath("file").read_text(), end="")'
  printf '#!/usr/bin/env python3\\nprint("script")\\n' > ~/script
  chmod +x ~/script
  ~/script
`;

const DONE = 'first\ntext\nscript';

/** A library beside the C library's own, and make with its own rules. */
const COMPILE = `
  set -eu
  cd /tmp
  echo '#include <math.h>' > c.c
  echo '#include <stdio.h>' >> c.c
  echo 'int main(void) { puts(sqrt(getchar()) > 1 ? "C" : ""); }' >> c.c
  echo '#include <iostream>' > cpp.cc
  echo 'int main() { std::cout << "C++" << std::endl; }' >> cpp.cc
  make -s LDLIBS=-lm c cpp
  echo C | ./c
  ./cpp
`;

describe('images', { timeout: 300_000, skip }, () => {
  let folder: string;
  let system: LocalSystem;
  let engine: DockerEngine;
  let podman: Podman;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'derivery-content-'));
    [system, engine, podman] = await Promise.all([
      startLocalSystem({ source: 'debian', built: [...IMAGES.map(({ name }) => name), TOOLS] }),
      startDockerEngine(),
      openPodman(),
    ]);
  });

  after(async () => {
    await podman[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
    await system.stop();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [index, expected] of IMAGES.entries()) {
    describe(`${expected.name}:`, () => {
      let image: UnpackedImage;
      before(async () => {
        image = await UnpackedImage.pull(system.registry, expected.name, join(folder, `${index}`));
      });
      for (const [what, check] of Object.entries(CHECKS)) test(what, () => check(image, expected));
    });
  }

  /** Pulls an image and runs a command in a container of it, without a network; gives what it said. */
  const tools = {
    docker: async (name: string, options: readonly string[], ...command: string[]) => {
      said(await engine.docker('pull', '--quiet', image(name)));
      return said(await engine.docker('run', '--rm', '--network=none', ...options, image(name), ...command));
    },
    podman: async (name: string, options: readonly string[], ...command: string[]) => {
      said(await podman.podman('pull', '--quiet', '--tls-verify=false', image(name)));
      const limited = ['--rm', '--network=none', ...MODEST_LIMITS, ...options];
      return said(await podman.podman('run', ...limited, image(name), ...command));
    },
  };

  const image = (name: string): string => `${system.registry}/${name}`;

  for (const [tool, run] of Object.entries(tools)) {
    test(`${tool}: bash, git, python and files of one's own work as root`, async () => {
      const output = await run(TOOLS, [], 'bash', '-c', WORK);
      assert.equal(output, `root 0:0 /root /\n${DONE}`);
    });

    test(`${tool}: bash, git, python and files of one's own work as nonroot`, async () => {
      const output = await run(`nonroot/${TOOLS}`, [], 'bash', '-c', WORK);
      assert.equal(output, `nonroot 1000:1000 /home/nonroot /home/nonroot\n${DONE}`);
    });

    test(`${tool}: nonroot starts as any other user too`, async () => {
      const output = await run(`nonroot/${TOOLS}`, ['--user=4711:4711'], 'bash', '-c', 'id -u; pwd');
      assert.equal(output, '4711\n/home/nonroot');
    });
  }

  test('curl, git, python and openssl trust the image’s certificates, told or not, and no others', async () => {
    const programs = `--volume=${join(import.meta.dirname, 'programs')}:/programs:ro`;
    const output = await tools.docker(TOOLS, [programs], 'python3', '/programs/trust.py');
    const expected = ['curl', 'git', 'python', 'openssl'].flatMap(program => [
      `${program} told trusts`,
      `${program} untold trusts`,
    ]);
    assert.deepEqual(output.split('\n'), expected);
  });

  test('a program in C, and one in C++, is compiled and runs', async () => {
    assert.equal(await tools.docker('builder', [], 'bash', '-c', COMPILE), 'C\nC++');
  });

  test('buildah builds on an image', async () => {
    const containerfile = join(folder, 'Containerfile');
    const script = `printf '#!/usr/bin/env bash\\necho built\\n' > /usr/local/bin/tool`;
    const steps = [
      `FROM ${image('shell')}`,
      `RUN mkdir -p /usr/local/bin && ${script} && chmod +x /usr/local/bin/tool`,
      'RUN tool > /result',
      'CMD ["cat", "/result"]',
    ];
    await writeFile(containerfile, steps.join('\n'));
    const options = ['--tls-verify=false', '--isolation=chroot', '--tag=derived', `--file=${containerfile}`];
    said(await podman.buildah('bud', ...options, folder));
    const limited = ['--rm', '--network=none', ...MODEST_LIMITS];
    assert.equal(said(await podman.podman('run', ...limited, 'localhost/derived')), 'built');
  });

  test('the same packages are the same image, however they are spelled', async () => {
    const { digest } = await pullManifest(system.registry, 'shell');
    for (const name of ['bashinteractive/coreutils/moreutils/nano', 'shell/nano/bash__49nteractive']) {
      const other = await pullManifest(system.registry, name);
      assert.equal(other.digest, digest, name);
    }
  });
});

/** What a command that has to succeed printed. */
function said({ exitCode, all }: { readonly exitCode: number | undefined; readonly all: string }): string {
  assert.equal(exitCode, 0, all);
  return all.trimEnd();
}
