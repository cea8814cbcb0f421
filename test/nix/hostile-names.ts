// Names from someone who means harm, or has bad luck: nearly right, shell words, Nix code, paths, anything at all.
import * as fc from 'fast-check';
import { escape } from '#core/escape.ts';
import { component } from '#test/core/arbitraries.ts';

/** Arbitrary names, many of which name the file `canary` and a part of its content. */
export function hostileName(canary: string, content: string): fc.Arbitrary<string> {
  const nixCode = [
    `\${builtins.readFile "${canary}"}`,
    `" + builtins.readFile "${canary}" + "`,
    `''\${builtins.readFile ${canary}}''`,
    `"; x = builtins.readFile ${canary}; y = "`,
    `(import ${canary})`,
    `builtins.toFile "${content}" "x"`,
    `import <nixpkgs> { }`,
    `let a = a; in a`,
    `abort "${content}"`,
    `x: x`,
    `rec { a = a; }.a`,
    `builtins.exec [ "cat" "${canary}" ]`,
    `builtins.fetchurl "file://${canary}"`,
    `{ __functor = _: _: "${content}"; }`,
    `{ outPath = ${canary}; }`,
  ];
  const shellWords = [
    `$(cat ${canary})`,
    `\`cat ${canary}\``,
    `; cat ${canary} #`,
    `| tee ${canary}`,
    `> ${canary}`,
    `&& rm ${canary}`,
    `\n rm ${canary}\n`,
    `$(touch ${canary}-touched)`,
    '--option',
    '--expr',
    '--argstr',
    '-A',
    '-I',
    `--eval-file=${canary}`,
    `@${canary}`,
  ];
  const paths = [
    canary,
    `..${canary}`,
    `../..${canary}`,
    `file://${canary}`,
    `path:${canary}`,
    `<${canary}>`,
    `~/${canary}`,
    `/nix/store/${'0'.repeat(32)}-x`,
    '/nix/store/..',
    '/',
    '.',
    '..',
    './.',
    'a/../b',
  ];
  const objects = [
    '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__functor', '__toString', 'outPath', 'drvPath',
    'type', '_type', 'recurseForDerivations', 'override', 'overrideAttrs', 'lib', 'pkgs', 'builtins', 'self', 'super', 'null',
    'true', 'hello.drvPath', 'hello.outPath', 'hello.meta.license', 'hello.builder', 'hello.args', 'pkgs.pkgs.pkgs',
  ]; // prettier-ignore
  const separators = [
    '.',
    '..',
    '/',
    '//',
    '_',
    '__',
    '-',
    '--',
    '!',
    '^',
    '*',
    '@',
    '#',
    ':',
    ' ',
    '\n',
    '\0',
    '"',
    "'",
    '\\',
  ];
  const word = fc.constantFrom(...nixCode, ...shellWords, ...paths, ...objects, canary, content);
  const glued = fc
    .array(fc.oneof(word, component, fc.constantFrom(...separators)), { minLength: 1, maxLength: 4 })
    .map(parts => parts.join(''));
  return fc.oneof(
    { arbitrary: component, weight: 40 },
    // As an image's name has it: several packages, and meta-packages before them.
    {
      arbitrary: fc
        .array(fc.oneof(component, fc.constantFrom('shell', 'arm64', 'nonroot', 'hello')), {
          minLength: 1,
          maxLength: 4,
        })
        .map(parts => parts.join('/')),
      weight: 30,
    },
    { arbitrary: word, weight: 40 },
    { arbitrary: glued, weight: 40 },
    // What the grammar cannot hold comes in by escapes.
    { arbitrary: glued.map(text => escape(text) ?? text), weight: 40 },
    { arbitrary: fc.stringMatching(/^[a-z0-9]{1,3}(__[0-9a-f]{1,3}[a-z.]{0,2}){1,4}$/), weight: 20 },
    { arbitrary: fc.string({ unit: 'binary', maxLength: 30 }), weight: 20 },
    { arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }), weight: 10 },
    { arbitrary: fc.nat(3_000).map(length => 'x'.repeat(length)), weight: 1 },
    { arbitrary: fc.nat(300).map(length => 'a.'.repeat(length)), weight: 1 },
  );
}
