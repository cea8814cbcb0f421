import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { suite, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { digestOf, type Digest } from '#core/digest.ts';
import { MEDIA_TYPES, writeConfig, writeManifest, type ImageConfig } from '#core/oci.ts';
import { compareImages, type AuditedImage } from '#local/audit/compare-images.ts';
import { parseConfig, parseManifest } from '#local/audit/documents.ts';
import { writeTar } from '#worker/pack/tar.ts';
import type { TarEntry } from '#worker/pack/tar-header.ts';

const GIT = `nix/store/${'g'.repeat(32)}-git`;
const JQ = `nix/store/${'j'.repeat(32)}-jq`;

function file(name: string, content: string, mode = 0o444, uid = 0): TarEntry {
  const bytes = Buffer.from(content);
  const owner = { uid, gid: 0 };
  return { kind: 'file', name: Buffer.from(name), owner, mode, size: bytes.length, content: () => [bytes] };
}

function link(name: string, target: string): TarEntry {
  const owner = { uid: 0, gid: 0 };
  return { kind: 'symlink', name: Buffer.from(name), owner, mode: 0o777, target: Buffer.from(target) };
}

type Layers = Readonly<Record<string, readonly TarEntry[]>>;

const LAYERS: Layers = {
  git: [file(`${GIT}/bin/git`, 'git'), file(`${GIT}/share/man`, 'manual')],
  jq: [file(`${JQ}/bin/jq`, 'jq')],
  links: [link('bin/git', `/${GIT}/bin/git`)],
};

interface Made {
  readonly layers?: Layers;
  readonly config?: Partial<ImageConfig>;
  readonly annotations?: Record<string, string>;
  readonly level?: number;
}

function image({ layers = LAYERS, config, annotations = {}, level = 6 }: Made = {}): AuditedImage {
  const blobs = new Map<Digest, Buffer>();
  const facts = Object.values(layers).map(entries => {
    const tar = Buffer.concat([...writeTar(entries)]);
    const blob = gzipSync(tar, { level });
    blobs.set(digestOf(blob), blob);
    return {
      mediaType: MEDIA_TYPES.gzipLayer,
      digest: digestOf(blob),
      diffId: digestOf(gunzipSync(blob)),
      size: blob.length,
    };
  });
  const written = writeConfig({
    platform: 'linux/amd64',
    environment: { PATH: '/bin' },
    command: ['/bin/git'],
    user: undefined,
    workingFolder: '/',
    labels: {},
    ...config,
    layers: facts.map(({ diffId }, index) => ({ diffId, createdBy: Object.keys(layers)[index] ?? '' })),
  });
  return {
    manifest: parseManifest(writeManifest(written, facts, annotations).bytes),
    config: parseConfig(written.bytes),
    open: digest => Readable.from([blobs.get(digest) ?? assert.fail(`no ${digest}`)]),
  };
}

suite('two images differ by', () => {
  const rows: Readonly<Record<string, [served: Made, lines: RegExp[]]>> = {
    'the content of a file': [
      { layers: { ...LAYERS, git: [file(`${GIT}/bin/git`, 'evil'), file(`${GIT}/share/man`, 'manual')] } },
      [
        new RegExp(`^/${GIT}$`),
        /^bin\/git: content served 4 bytes, sha256 [0-9a-f]{16}…, rebuilt 3 bytes, sha256 [0-9a-f]{16}…$/,
      ],
    ],
    'mode and owner of a file': [
      { layers: { ...LAYERS, jq: [file(`${JQ}/bin/jq`, 'jq', 0o4555, 7)] } },
      [new RegExp(`^/${JQ}$`), /^bin\/jq: mode served 4555, rebuilt 0444; owner served 7:0, rebuilt 0:0$/],
    ],
    'files of which one has more': [
      { layers: { ...LAYERS, jq: [file(`${JQ}/bin/jk`, 'jq')] } },
      [new RegExp(`^/${JQ}$`), /^bin\/jk: only in the served image$/, /^bin\/jq: only in the rebuilt image$/],
    ],
    'what a path is': [
      { layers: { ...LAYERS, jq: [file(JQ, 'jq')] } },
      [
        new RegExp(`^/${JQ}$`),
        /^the path itself: only in the served image$/,
        /^bin\/jq: only in the rebuilt image$/,
      ],
    ],
    'where a link leads': [
      { layers: { ...LAYERS, links: [link('bin/git', '/evil')] } },
      [/^the tree of links$/, /^\/bin\/git: content served \/evil, rebuilt \/nix\/store\/g+-git\/bin\/git$/],
    ],
    'the kind of an entry': [
      { layers: { ...LAYERS, links: [file('bin/git', 'git')] } },
      [/^the tree of links$/, /^\/bin\/git: served a file, rebuilt a symbolic link$/],
    ],
    'a layer that only one has': [
      { layers: { git: LAYERS['git'] ?? [], links: LAYERS['links'] ?? [] } },
      [new RegExp(`^/${JQ}$`), /^bin\/jq: only in the rebuilt image$/],
    ],
    'how layers are cut': [
      { layers: { both: [...(LAYERS['git'] ?? []), ...(LAYERS['jq'] ?? [])], links: LAYERS['links'] ?? [] } },
      [/^how the same files are put into layers$/, /^served in 2 layers, rebuilt in 3$/],
    ],
    'the order of layers': [
      { layers: { jq: LAYERS['jq'] ?? [], git: LAYERS['git'] ?? [], links: LAYERS['links'] ?? [] } },
      [/^the order of the layers$/],
    ],
    'compression alone': [
      { level: 0 },
      [
        /^only the compression of layer 1$/,
        /^git$/,
        /^only the compression of layer 2$/,
        /^jq$/,
        /^only the compression of layer 3$/,
        /^links$/,
      ],
    ],
    config: [
      { config: { command: ['/bin/evil'], user: '0:0', environment: { PATH: '/bin', LD_PRELOAD: 'x' } } },
      [
        /^the config$/,
        /^config\.config\.User: served "0:0", rebuilt nothing$/,
        /^config\.config\.Env: served \["PATH=\/bin","LD_PRELOAD=x"\], rebuilt \["PATH=\/bin"\]$/,
        /^config\.config\.Cmd\[0\]: served "\/bin\/evil", rebuilt "\/bin\/git"$/,
      ],
    ],
    annotations: [
      { annotations: { note: 'x' } },
      [/^the manifest$/, /^manifest\.annotations\.note: served "x", rebuilt nothing$/],
    ],
    history: [
      { layers: Object.fromEntries(Object.entries(LAYERS).map(([name, entries]) => [`${name}!`, entries])) },
      [
        /^the history$/,
        /^history\[0\]: served "git!", rebuilt "git"$/,
        /^history\[1\]: served "jq!", rebuilt "jq"$/,
        /^history\[2\]: served "links!", rebuilt "links"$/,
      ],
    ],
  };
  for (const [name, [made, expected]] of Object.entries(rows)) {
    test(name, async () => {
      const found = await compareImages(image(made), image());
      const lines = found.flatMap(({ what, details }) => [what, ...details]);
      assert.equal(lines.length, expected.length, lines.join('\n'));
      for (const [index, line] of lines.entries()) assert.match(line, expected[index] ?? /^$/);
    });
  }

  test('how the same is written, where nothing else can be found', async () => {
    const found = await compareImages(image(), image());
    assert.deepEqual(found, [{ what: 'the same content is written in another way', details: [] }]);
  });
});
