// What every image has, check by check. A check throws where an image is not as it says.
import assert from 'node:assert/strict';
import type { RootEntry, UnpackedImage } from './unpacked-image.ts';

/** What is different from image to image. */
export interface Expected {
  readonly name: string;
  readonly programs: readonly string[];
  readonly command: readonly string[];
  readonly user: 'root' | 'nonroot';
  readonly architecture: 'amd64' | 'arm64';
  /** The login shell in passwd. */
  readonly shell: string;
  readonly hasCoreutils: boolean;
}

type Check = (image: UnpackedImage, expected: Expected) => void;

const CERTIFICATES = [
  'etc/ssl/certs/ca-certificates.crt',
  'etc/ssl/certs/ca-bundle.crt',
  'etc/ssl/cert.pem',
  'etc/pki/tls/certs/ca-bundle.crt',
];

/** The machine in an ELF header (elf(5), e_machine). */
const MACHINES = { amd64: 62, arm64: 183 };

export const CHECKS: Readonly<Record<string, Check>> = {
  'the programs of its packages are in /bin, and run on its architecture': (image, expected) => {
    for (const program of expected.programs) assertProgram(image, `bin/${program}`, expected);
    for (const { path } of inRoot(image)) if (/^bin\/[^/]+$/.test(path)) assertProgram(image, path, expected);
  },

  'no link of the root leads nowhere': image => {
    const lost = inRoot(image).filter(
      ({ kind, path }) => kind === 'link' && image.follow(path) === undefined,
    );
    assert.deepEqual(lost, []);
  },

  'folders are entries of their own, empty ones too, and none is twice in a layer': image => {
    const inStore = image.entries.filter(({ path }) => path.startsWith('nix/store/'));
    // Without an entry a folder would have the mode of whoever unpacks it.
    const unlisted = inStore.filter(({ kind, mode }) => kind === 'directory' && mode !== 0o555);
    assert.deepEqual(unlisted, []);
    for (const names of image.layers) assert.equal(new Set(names).size, names.length);
    assert.ok(image.at('home') !== undefined && image.at('run') !== undefined);
  },

  'all may write to /tmp and /var/tmp': image => {
    assert.equal(image.at('tmp')?.mode, 0o1777);
    assert.equal(image.at('var/tmp')?.mode, 0o1777);
  },

  '/root is root’s, and /home holds the user’s home': (image, { user }) => {
    assert.equal(image.at('root')?.mode, 0o700);
    assert.equal(image.at('home')?.mode, 0o755);
    const home = image.at('home/nonroot');
    assert.equal(home?.owner, user === 'nonroot' ? '1000:1000' : undefined);
    assert.equal(home?.mode, user === 'nonroot' ? 0o755 : undefined);
  },

  'everything else belongs to root': image => {
    const others = image.entries.filter(({ path }) => !path.startsWith('home/nonroot'));
    assert.deepEqual(others.filter(({ owner }) => owner !== '0:0'), []); // prettier-ignore
  },

  'passwd, group and nsswitch.conf know its users': (image, { user, shell }) => {
    const own = `nonroot:x:1000:1000:nonroot:/home/nonroot:${shell}`;
    const lines = (path: string): string[] => image.read(path).toString().trimEnd().split('\n');
    assert.equal(lines('etc/passwd')[0], `root:x:0:0:root:/root:${shell}`);
    assert.equal(lines('etc/passwd').includes(own), user === 'nonroot');
    assert.equal(lines('etc/group').includes('nonroot:x:1000:'), user === 'nonroot');
    assert.ok(lines('etc/nsswitch.conf').includes('hosts: files dns'));
  },

  '/usr/bin/env is there where coreutils is, and only there': (image, expected) => {
    if (expected.hasCoreutils) assertProgram(image, 'usr/bin/env', expected);
    else assert.equal(image.follow('usr/bin/env'), undefined);
  },

  'certificates are found under all their names': image => {
    for (const path of CERTIFICATES)
      assert.match(image.read(path).toString(), /^-----BEGIN CERTIFICATE-----$/m);
    const variables = ['SSL_CERT_FILE', 'NIX_SSL_CERT_FILE', 'GIT_SSL_CAINFO'];
    for (const name of variables)
      assert.ok(CERTIFICATES.includes(environment(image)[name]?.slice(1) ?? ''), name);
  },

  'protocols and services have names': image => {
    assert.match(image.read('etc/protocols').toString(), /^tcp\s+6\s/m);
    assert.match(image.read('etc/services').toString(), /^https\s+443\/tcp/m);
  },

  'PATH leads to its programs': image => {
    assert.ok(environment(image)['PATH']?.split(':').includes('/bin'));
  },

  'its command is a program in it': (image, expected) => {
    assert.deepEqual(image.config.config.Cmd, expected.command);
    assertProgram(image, expected.command[0]?.slice(1) ?? '', expected);
  },

  'its user is a number, and starts at home; root at the root': (image, { user }) => {
    const { User, WorkingDir } = image.config.config;
    const started = user === 'nonroot' ? ['1000:1000', '/home/nonroot'] : [undefined, '/'];
    assert.deepEqual([User, WorkingDir], started);
  },

  'labels and annotations say what it was made from': image => {
    const { Labels } = image.config.config;
    const { 'org.derivery.layer-snapshot': snapshot = '', ...annotations } = image.manifest.annotations;
    assert.match(snapshot, /^[0-9a-f]{64}$/);
    assert.deepEqual(annotations, Labels);
    assert.match(Labels['org.opencontainers.image.revision'] ?? '', /^[0-9a-f]{40,64}$/);
    assert.equal(Labels['org.opencontainers.image.source'], 'debian');
    assert.ok(Labels['org.opencontainers.image.version']);
  },

  'its history has an entry for each layer, which names what is in it': image => {
    const { history } = image.config;
    assert.equal(history.length, image.layers.length);
    history.forEach(({ created_by: said }, index) => {
      const isLinks = index === history.length - 1;
      const named = new Set(said.match(/\/nix\/store\/[^ ]+/g));
      const held = storePaths(image.layers[index] ?? []);
      assert.deepEqual(held, isLinks ? new Set() : named);
      assert.ok(named.size > 0, said);
    });
  },

  'it was made at no time': image => {
    const times = [image.config.created, ...image.config.history.map(({ created }) => created)];
    assert.deepEqual(new Set(times), new Set(['1970-01-01T00:00:01Z']));
  },

  'its config names its platform': (image, { architecture }) => {
    assert.deepEqual([image.config.os, image.config.architecture], ['linux', architecture]);
  },

  'all that its store paths are to be found by is in it': image => {
    const there = new Set(image.entries.map(({ path }) => path.split('/').slice(0, 3).join('/')));
    for (const { created_by: said } of image.config.history) {
      for (const path of said.match(/nix\/store\/[^ ]+/g) ?? []) assert.ok(there.has(path), path);
    }
  },
};

/** What the layer of links brings. */
function inRoot(image: UnpackedImage): RootEntry[] {
  return image.entries.filter(({ path }) => !/^nix(\/|$)/.test(path));
}

function environment(image: UnpackedImage): Record<string, string> {
  return Object.fromEntries(
    image.config.config.Env.map(variable => {
      const equals = variable.indexOf('=');
      return [variable.slice(0, equals), variable.slice(equals + 1)];
    }),
  );
}

/** A program of the image's architecture, or a script whose interpreter is one. */
function assertProgram(image: UnpackedImage, path: string, expected: Pick<Expected, 'architecture'>): void {
  const end = image.follow(path);
  assert.ok(end !== undefined, `${path} is not there`);
  assert.equal(image.at(end)?.mode, 0o555, `${path} can be run`);
  const bytes = image.read(path);
  const interpreter = /^#! *(\/[^ \n]+)/.exec(bytes.toString('latin1', 0, 200))?.[1];
  if (interpreter !== undefined) {
    assert.ok(image.follow(interpreter) !== undefined, `${path} needs ${interpreter}`);
    assertProgram(image, interpreter.slice(1), expected);
  } else {
    assert.equal(bytes.toString('latin1', 0, 4), '\x7fELF', path);
    assert.equal(bytes.readUInt16LE(18), MACHINES[expected.architecture], path);
  }
}

function storePaths(names: readonly string[]): Set<string> {
  const found = names.filter(name => name.startsWith('nix/store/') && name !== 'nix/store/');
  return new Set(found.map(name => `/${name.split('/').slice(0, 3).join('/')}`));
}
