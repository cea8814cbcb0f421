import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { User } from '#core/meta-packages.ts';
import { containerOf, type Container } from '#worker/image/container.ts';
import type { FoundItem } from '#worker/nix/resolve.ts';
import {
  file,
  folder,
  link,
  makeNode,
  storePath,
  temporaryFolder,
  type Tree,
} from '#test/worker/pack/trees.ts';
import { itemOf } from './items.ts';

const program = (...names: string[]): Tree => ({
  bin: folder(Object.fromEntries(names.map(name => [name, file('', true)]))),
});

interface Image {
  /** The names asked for; by default those of the items. */
  readonly packages?: readonly string[];
  readonly user?: User;
  /** What is in the items' outputs, by the names of their store paths. */
  readonly store?: Readonly<Record<string, Tree>>;
}

function container(t: TestContext, items: readonly FoundItem[], image: Image = {}): Container {
  const { packages = items.map(({ name }) => name), user = 'root', store = {} } = image;
  const real = temporaryFolder(t);
  for (const [name, tree] of Object.entries(store)) makeNode(join(real, name), folder(tree));
  return containerOf({ packages, user }, items, path => join(real, path.slice(44)));
}

const command = (...args: Parameters<typeof container>): readonly string[] | undefined =>
  container(...args).command;

describe('the command', () => {
  const bash = itemOf('bashinteractive', { attribute: 'bashInteractive' });
  const jq = itemOf('jq');
  const store = { jq: program('jq') };

  test('is bash where it was asked for, however it was spelled, and beside anything', t => {
    assert.deepEqual(command(t, [bash]), ['/bin/bash']);
    assert.deepEqual(command(t, [jq, bash], { store }), ['/bin/bash']);
  });

  test('is bash by whichever of its attributes it was asked for', t => {
    const path = storePath('bash-interactive-5.2p26');
    const spellings = ['bashInteractive', 'bashInteractive.out', 'pkgs.bashInteractive', 'bash'];
    for (const attribute of spellings) {
      assert.deepEqual(command(t, [jq, { ...bash, attribute, path }], { store }), ['/bin/bash'], attribute);
    }
    for (const attribute of spellings.slice(0, 3)) {
      assert.deepEqual(command(t, [jq, { ...bash, attribute }], { store }), ['/bin/bash'], attribute);
    }
    const dev = { output: 'dev', path: storePath('bash-interactive-5.2p26-dev') };
    const others = [
      { ...bash, ...dev, attribute: 'bashInteractive.dev' },
      itemOf('bash', { path: storePath('bash-5.2p26') }),
    ];
    for (const other of others) assert.equal(command(t, [jq, other], { store }), undefined);
  });

  test('is the main program of a single package', t => {
    const ripgrep = itemOf('ripgrep', { mainProgram: 'rg' });
    assert.deepEqual(command(t, [ripgrep], { store: { ripgrep: program('rg', 'ripgrep') } }), ['/bin/rg']);
    assert.deepEqual(command(t, [jq], { store }), ['/bin/jq']);
    // A main program that its output does not have says nothing.
    assert.deepEqual(command(t, [{ ...jq, mainProgram: 'other' }], { store }), ['/bin/jq']);
    assert.equal(command(t, [jq], { store: { jq: { bin: folder() } } }), undefined);
    assert.deepEqual(command(t, [jq], { store: { jq: { bin: folder({ jq: link('/nix/store/x') }) } } }), [
      '/bin/jq',
    ]);
  });

  test('is never what leads out of the folder of programs', t => {
    const odd = { odd: { ...program('x'), script: file() } };
    for (const mainProgram of ['../script', '..', '.', '', '/bin/x']) {
      assert.equal(command(t, [itemOf('odd', { mainProgram, pname: null })], { store: odd }), undefined);
    }
  });

  test('of two outputs of one package is its program, of two packages none', t => {
    const dev = itemOf('jq.dev', { path: storePath('jq-dev'), drv: jq.drv, output: 'dev', pname: 'jq' });
    assert.deepEqual(command(t, [dev, jq], { store: { ...store, 'jq-dev': {} } }), ['/bin/jq']);
    assert.equal(command(t, [jq, itemOf('git')], { store: { ...store, git: program('git') } }), undefined);
  });

  test('of one package under two names does not hang on which is said first', t => {
    const [one, other] = ['one', 'other'].map(name => ({ ...jq, name, attribute: name, mainProgram: name }));
    assert.ok(one && other);
    const own = { store: { jq: program('one', 'other') } };
    assert.deepEqual(command(t, [one, other], own), ['/bin/one']);
    assert.deepEqual(command(t, [other, one], own), ['/bin/one']);
  });

  test('does not count what the deployment gives every image, but for its shell where there is no other', t => {
    const tini = itemOf('tini');
    const own = { ...store, tini: program('tini') };
    assert.deepEqual(command(t, [jq, tini], { packages: ['jq'], store: own }), ['/bin/jq']);
    assert.equal(command(t, [jq, tini], { packages: ['none'], store: own }), undefined);
    assert.deepEqual(command(t, [jq, bash], { packages: ['jq'], store: own }), ['/bin/jq']);
    assert.deepEqual(command(t, [jq, bash, tini], { packages: ['jq', 'tini'], store: own }), ['/bin/bash']);
  });
});

test('root works in the root folder, the other user in a home of its own', t => {
  const root = container(t, []);
  assert.deepEqual([root.user, root.workingFolder], [undefined, '/']);
  const nonroot = container(t, [], { user: 'nonroot' });
  assert.deepEqual([nonroot.user, nonroot.workingFolder], ['1000:1000', '/home/nonroot']);
});

test('programs are told of certificates where there are some, and only there', t => {
  const etc = folder({ ssl: folder({ certs: folder({ 'ca-bundle.crt': link('/nix/store/x') }) }) });
  const { environment } = container(t, [itemOf('cacert')], { store: { cacert: { etc } } });
  const bundle = '/etc/ssl/certs/ca-certificates.crt';
  assert.deepEqual(environment, {
    PATH: '/usr/local/bin:/bin:/sbin:/usr/bin:/usr/sbin',
    SSL_CERT_FILE: bundle,
    NIX_SSL_CERT_FILE: bundle,
    GIT_SSL_CAINFO: bundle,
  });
  assert.deepEqual(Object.keys(container(t, [itemOf('cacert')]).environment), ['PATH']);
});

test('an output that is a file has no certificates and no program, whatever its program is called', t => {
  const real = temporaryFolder(t);
  makeNode(join(real, 'thing'), file('text'));
  for (const mainProgram of ['thing', 'x'.repeat(5_000), 'a\0b']) {
    const started = containerOf(
      { packages: ['thing'], user: 'root' },
      [itemOf('thing', { mainProgram })],
      () => join(real, 'thing'),
    );
    assert.deepEqual([started.command, Object.keys(started.environment)], [undefined, ['PATH']]);
  }
  const folders = container(t, [itemOf('jq', { mainProgram: 'x'.repeat(5_000) })], {
    store: { jq: program('jq') },
  });
  assert.deepEqual(folders.command, ['/bin/jq']);
});
