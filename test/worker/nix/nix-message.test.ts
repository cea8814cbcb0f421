// The same errors as several versions of Nix print them.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  errorLines,
  errorMessage,
  explainPureMode,
  tellsOfFetching,
  tellsOfMachine,
  tellsOfNetwork,
  withoutAdvice,
} from '#worker/nix/nix-message.ts';
import { createProgressReader } from '#worker/nix/build-progress.ts';

suite('the message of an error', () => {
  const cases: Record<string, [stderr: string, message: string]> = {
    'Nix 2.8': [
      `warning: something\nerror: removed-hello has been removed, use hello\n(use '--show-trace' to show detailed location information)\n`,
      'removed-hello has been removed, use hello',
    ],
    'Nix 2.8, with a position': [
      `error: attribute 'x' missing\n\n       at /set/wrong.nix:32:31:\n\n           31|   mistyped-hello = hello\n`,
      `attribute 'x' missing`,
    ],
    'Nix 2.26 and 2.34, the trace first': [
      `error:\n       … while evaluating the attribute 'drvPath'\n         at /set/build.nix:1:2:\n\n       … caused by explicit throw\n\n       error: Package ‘a’ has an unfree license,\n       refusing to evaluate.\n`,
      'Package ‘a’ has an unfree license,\nrefusing to evaluate.',
    ],
    'with colours': ['\u001b[31;1merror:\u001b[0m unexpected end of file\n', 'unexpected end of file'],
    'none at all': ['out of luck\n', 'out of luck'],
  };
  for (const [name, [stderr, message]] of Object.entries(cases)) {
    test(name, () => assert.equal(errorMessage(stderr), message));
  }
});

suite('another try may get past', () => {
  const machine = [
    `writing to file: No space left on device`,
    `error: cannot open SQLite database: database is busy`,
    `builder for '/nix/store/x.drv' failed due to signal 9 (Killed)`,
  ];
  for (const text of machine) test(text, () => assert.equal(tellsOfMachine(text), true));

  const network = `unable to download 'https://cache.example/x.narinfo': Couldn't resolve host name (6)`;
  test(network, () => {
    assert.equal(tellsOfNetwork(network), true);
    assert.equal(tellsOfFetching(network), true);
    assert.equal(tellsOfMachine(network), false);
  });

  // What SQLite says of a disk that filled up under it, or is broken.
  const broken =
    "executing SQLite statement 'pragma synchronous = normal': disk I/O error (in '/nix/var/nix/db/db.sqlite')";
  test(broken, () => assert.equal(tellsOfFetching(broken), true));

  const withoutRoom = [
    "opening file '/nix/store/x.drv': No space left on device",
    "creating directory '/nix/store/.links': Disk quota exceeded",
    "executing SQLite statement 'insert into Refs': database or disk is full (in '/nix/var/nix/db/db.sqlite')",
    "builder for '/nix/store/x.drv' failed with exit code 1;\nlast 1 log lines:\n> cp: error writing: No space left on device",
  ];
  for (const text of withoutRoom) test(`T31: ${text}`, () => assert.equal(tellsOfFetching(text), true));

  const permanent = [
    `builder for '/nix/store/x.drv' failed with exit code 3`,
    `attribute 'x' missing`,
    `builder for '/nix/store/x.drv' failed due to signal 11 (Segmentation fault)`,
  ];
  for (const text of permanent) {
    test(`not: ${text}`, () => assert.equal(tellsOfMachine(text) || tellsOfNetwork(text), false));
  }

  test('not what a package itself says, whatever that is', () => {
    assert.equal(tellsOfFetching('my-package: Connection refused, No space left on device'), false);
  });
});

test('nor what is not there: another try gets the same', () => {
  const answer = (status: number): string => `unable to download 'https://a.example/x': HTTP error ${status}`;
  for (const status of [403, 404, 410]) assert.equal(tellsOfFetching(answer(status)), false, String(status));
  for (const status of [408, 429, 500, 503])
    assert.equal(tellsOfFetching(answer(status)), true, String(status));
});

suite('why an evaluation may not is said where Nix does not say it', () => {
  const reason =
    " (an evaluation here sees nothing of the machine, and of the network only what is pinned by a hash or a commit; that is fetched by HTTP or HTTPS, without the worker's credentials)";
  const cases: Record<string, [stderr: string, message: string]> = {
    'Nix 2.8': [
      `error: access to absolute path '/etc/passwd' is forbidden in pure eval mode (use '--impure' to override)\n(use '--show-trace' to show detailed location information)\n`,
      `access to absolute path '/etc/passwd' is forbidden in pure eval mode${reason}`,
    ],
    'Nix 2.34': [
      `error:\n       … while calling the 'readFile' builtin\n         at «string»:1:1:\n\n       error: access to absolute path '/etc/passwd' is forbidden in pure evaluation mode (use '--impure' to override)\n`,
      `access to absolute path '/etc/passwd' is forbidden in pure evaluation mode${reason}`,
    ],
    'a flake that is not locked': [
      `error: cannot update unlocked flake input 'x' in pure mode\n`,
      `cannot update unlocked flake input 'x' in pure mode${reason}`,
    ],
    'something else': [`error: attribute 'x' missing\n`, `attribute 'x' missing`],
  };
  for (const [name, [stderr, message]] of Object.entries(cases)) {
    test(name, () => assert.equal(explainPureMode(errorMessage(stderr)), message));
  }
});

test('how to allow a package is no advice for someone who pulls an image', () => {
  const unfree = `Package ‘a’ in pkgs/a.nix:5 has an unfree license (‘unfree’), refusing to evaluate.`;
  const issues = `Package ‘a’ is marked as insecure, refusing to evaluate.\nKnown issues:\n- CVE-1`;
  assert.equal(withoutAdvice(`${unfree}\na) To temporarily allow unfree packages, you can use …`), unfree);
  assert.equal(
    withoutAdvice(`${issues}\nYou can install it anyway by allowing this package, using …`),
    issues,
  );
  assert.equal(withoutAdvice('removed'), 'removed');
});

test('warnings are no errors: a cache that was out of reach did not fail the build', () => {
  const stderr = `warning: unable to download 'https://cache.example'\nerror: builder for 'x.drv' failed with exit code 3\n`;
  assert.equal(errorLines(stderr), `error: builder for 'x.drv' failed with exit code 3`);
});

test('progress counts builds and fetches, and what Nix plans later', () => {
  const heard: string[] = [];
  const read = createProgressReader((done, of) => heard.push(`${done}/${of}`));
  const lines = [
    'these 2 derivations will be built:',
    '  /nix/store/a-x.drv',
    'this path will be fetched (0.04 MiB download, 0.20 MiB unpacked):',
    `copying path '/nix/store/c-z' from 'https://cache.example'...`,
    `building '/nix/store/a-x.drv'...`,
    `building '/nix/store/b-y.drv'...`,
    `building '/nix/store/d-unplanned.drv' on 'ssh://elsewhere'...`,
    'warning: a builder says building things',
  ];
  for (const line of lines) read(line);
  assert.deepEqual(heard, ['0/2', '0/3', '1/3', '2/3', '3/3', '4/4']);
});
