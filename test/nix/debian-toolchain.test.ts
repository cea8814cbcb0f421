// What the meta-package `builder` brings compiles programs that run, and is Nix's stdenv in so far as it says so.
import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { META_PACKAGES } from '#core/meta-packages.ts';
import { build, debianSet, found, resolveNames, type DebianSet } from '#test/nix/debian-set.ts';
import { runInClosure } from '#test/nix/run-closure.ts';
import type { FoundItem } from '#worker/nix/resolve.ts';

let set: DebianSet;
let items: FoundItem[];
before(async () => {
  set = await debianSet();
  const builder = META_PACKAGES['builder'];
  assert.ok(builder !== undefined && 'adds' in builder);
  items = await build(set, ['bash', ...builder.adds]);
});

/** The lines that a script prints where there is nothing but `builder`. */
async function run(script: string): Promise<string[]> {
  const [bash, ...others] = items;
  assert.ok(bash);
  const output = await runInClosure(set, others, bash, script);
  return output.split('\n');
}

const SQUARE_ROOT = `cat >root.c <<'END'
#include <math.h>
#include <stdio.h>
#include <crypt.h>
int main(int count, char **arguments) { printf("%s %g\\n", *arguments, sqrt(count + 3.0)); }
END
`;

suite('builder', () => {
  test('compiles C, with and without libraries of its own to load', async () => {
    const script = `${SQUARE_ROOT}
      cc -O2 -Wall -Werror -o plain root.c -lm; ./plain
      gcc -flto -g -o optimised root.c -lm; ./optimised
      gcc -static -o static root.c -lm; ./static
      file -b static; readelf -d plain | grep RUNPATH | grep -c /nix/store/`;
    const [plain, optimised, fixed, kind, runpaths] = await run(script);
    assert.deepEqual([plain, optimised, fixed], ['./plain 2', './optimised 2', './static 2']);
    assert.match(String(kind), /^ELF 64-bit.*statically linked/);
    assert.equal(runpaths, '1');
  });

  test('compiles C++, with threads, exceptions and its standard library', async () => {
    const script = `cat >main.cc <<'END'
#include <algorithm>
#include <iostream>
#include <stdexcept>
#include <thread>
#include <vector>
int main() {
  std::vector<int> numbers{3, 1, 2};
  std::thread([&] { std::sort(numbers.begin(), numbers.end()); }).join();
  try { throw std::runtime_error("caught"); } catch (const std::exception &e) { std::cout << e.what() << numbers[0] << std::endl; }
}
END
      c++ -std=c++20 -O2 -Wall -Werror -pthread -o plain main.cc; ./plain
      g++ -static -o static main.cc; ./static
      g++ -static-libstdc++ -static-libgcc -o mixed main.cc; ./mixed`;
    assert.deepEqual(await run(script), ['caught1', 'caught1', 'caught1']);
  });

  test('makes a project: configure, make, make check, make install, a patch and an archive', async () => {
    const script = `mkdir project; cd project; ${SQUARE_ROOT}
      printf '%s\\n' '#!/bin/sh' 'set -eu' \\
        'echo "int main(void) { return 0; }" >conftest.c; cc -o conftest conftest.c; ./conftest' \\
        'sed "s,@prefix@,$1," Makefile.in >Makefile; echo configured for $(uname -s)' >configure
      printf '%s\\n' 'prefix = @prefix@' 'CFLAGS = -O2' 'LDLIBS = -lm' 'all: root libroot.a' 'libroot.a: root.o' \\
        '\t$(AR) rcs $@ $<' 'check: root' '\t./root | grep 2' \\
        'install: all' '\tmkdir -p $(prefix)/bin' '\tinstall -m 755 root $(prefix)/bin' >Makefile.in
      chmod +x configure; cd ..; tar -cJf project.tar.xz project; rm -r project; tar -xf project.tar.xz; cd project
      printf '%s\\n' '--- a/root.c' '+++ b/root.c' '@@ -4 +4 @@' "-$(sed -n 4p root.c)" \\
        "+$(sed -n '4s/%s/patched %s/p' root.c)" | patch -p1
      ./configure /tmp/prefix; make -s -j2; make -s check; make -s install; /tmp/prefix/bin/root; strip /tmp/prefix/bin/root
      ar t libroot.a; find . -name '*.o' | xargs nm | awk '$3 == "main" { print $2 }'`;
    assert.deepEqual(await run(script), [
      'patching file root.c',
      'configured for Linux',
      'patched ./root 2',
      'patched /tmp/prefix/bin/root 2',
      'root.o',
      'T',
    ]);
  });

  test('has each tool once, from packages that are different', async () => {
    const paths = [...new Set(items.map(({ path }) => path))];
    assert.equal(paths.length, items.length);
    for (const program of 'g++ c++ cc cpp ld ar make patch file find sed awk tar xz bzip2 gzip diff'.split(
      ' ',
    )) {
      const having = await Promise.all(
        items.map(({ path }) =>
          access(join(set.nix.realPath(path), 'bin', program)).then(
            () => [path],
            () => [],
          ),
        ),
      );
      assert.equal(having.flat().length, 1, program);
    }
  });
});

suite('stdenv', () => {
  test('is its own package, and names its compiler and what that links with', async () => {
    const names = ['stdenv', 'stdenv.cc', 'gcc', 'stdenv.cc.bintools', 'binutils'];
    const [stdenv, cc, gcc, bintools, binutils] = found(await resolveNames(set, names));
    assert.equal(cc?.path, gcc?.path);
    assert.equal(bintools?.path, binutils?.path);
    assert.match(String(stdenv?.path), /-stdenv-linux$/);
    assert.equal(stdenv?.mainProgram, null);
  });

  test('gives a Nix build its tools, and nothing of the host', async () => {
    const [compiled] = await build(set, ['compiled-hello']);
    const [bash] = items;
    assert.ok(compiled && bash);
    assert.equal(await runInClosure(set, [compiled], bash, 'compiled-hello'), 'compiled');
  });
});
