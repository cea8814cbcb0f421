import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { gitProtocol, gitUrlSchema, holdsCredentials } from '#core/git-url.ts';

function problemOf(url: string): string | undefined {
  return gitUrlSchema.safeParse(url).error?.issues[0]?.message;
}

describe('git address', () => {
  const protocols: readonly [url: string, protocol: string][] = [
    ['https://github.com/NixOS/nixpkgs', 'https'],
    ['https://example.org:8443/a/b.git', 'https'],
    ['https://[::1]:8443/a', 'https'],
    ['http://127.0.0.1:3000/set.git', 'http'],
    ['ssh://git@example.org/set.git', 'ssh'],
    ['ssh://git@example.org:2222/~me/set', 'ssh'],
    ['ssh://example.org/set', 'ssh'],
    ['git@github.com:NixOS/nixpkgs.git', 'ssh'],
    ['example.org:set', 'ssh'],
    ['git://example.org/set', 'git'],
    ['/srv/set.git', 'file'],
    ['file:///srv/set.git', 'file'],
  ];
  for (const [url, protocol] of protocols) {
    test(`${url} is read by ${protocol}`, () => {
      assert.equal(problemOf(url), undefined);
      assert.equal(gitProtocol(url), protocol);
    });
  }

  const bad = [
    '', 'set', 'a/b', './set', '../set', 'https://example.org', 'https:///set', 'https:/example.org/set', 'HTTPS://h/x',
    // Programs of git's, and options.
    'ext::sh -c id', 'ext::id', 'fd::17', 'transport::address', 'ftp://h/x', 'rsync://h/x', 'persistent-https://h/x',
    '--upload-pack=id', '-oProxyCommand=id@h:x', '-x@h:x', '-h:x', 'ssh://-oProxyCommand=id/x', 'ssh://-x/y', 'h:-x', 'ssh://-x@h/y',
    'file://h/x', 'h:', 'a b:c', 'https://h/a b', 'https://h/\n', 'https://h/\0', 'https://h/ä', 'https://h/x#main',
    'https://h:port/x', 'https://h:/x',
  ]; // prettier-ignore
  for (const url of bad) {
    test(`${JSON.stringify(url)} is none`, () => assert.notEqual(problemOf(url), undefined));
  }

  const secret = [
    'https://user:hunter2@example.org/set',
    'https://hunter2@example.org/set',
    'http://:hunter2@h/set',
    'https://user:hunt/hunter2@h/set',
    'https://user:hunt@hunter2@h/set',
    'ssh://git:hunter2@h/set',
    'git://hunter2@h/set',
    'user:hunter2@h:set',
  ];
  for (const url of secret) {
    test(`${url} is refused, and not repeated`, () => {
      assert.doesNotMatch(problemOf(url) ?? assert.fail('it is taken'), /hunt/);
    });
  }

  test('tells a password and a token from the name of a user of SSH', () => {
    assert.match(
      problemOf('https://t@h/set') ?? '',
      /holds credentials: leave them to the netrc or the SSH key/,
    );
    for (const url of ['ssh://git@h/x', 'git+ssh://git@h/x', 'https://h/@scope/x', '/srv/a@b', 'github:a/b'])
      assert.equal(holdsCredentials(url), false, url);
    for (const url of ['git+https://u:p@h/x', 'git+ssh://u:p@h/x', 'tarball+https://t@h/x'])
      assert.equal(holdsCredentials(url), true, url);
  });

  test('whatever is taken is no option, has one protocol, and no password', () => {
    const near = fc.string({
      unit: fc.constantFrom(
        'https://',
        'ssh://',
        'ext::',
        '@',
        ':',
        '/',
        '-',
        'a',
        'b.c',
        '-o',
        '8',
        '::',
        '//',
        '[',
      ),
      maxLength: 8,
    });
    fc.assert(
      fc.property(near, url => {
        if (!gitUrlSchema.safeParse(url).success || url.startsWith('/')) return;
        assert.doesNotMatch(url, /^-|^[^:/[]*::|^[a-z]*:\/\/-|^[^/]*@-/);
        assert.match(gitProtocol(url), /^(https|ssh|file)$/);
        const who = /^(?<scheme>[a-z]+:\/\/)?(?<user>[^/]*)@/.exec(url)?.groups;
        if (who !== undefined) assert.match(`${who['scheme'] ?? 'ssh://'}${who['user']}`, /^ssh:\/\/[^:@]*$/);
      }),
      { numRuns: 20_000 },
    );
  });
});
