import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { ConfigurationError } from '#core/errors.ts';
import { chooseSource, DEFAULT_CHANNEL, parseWantedSource } from '#local/source-choice.ts';
import { temporaryFolder } from './temporary-folder.ts';

async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const version = (text: string) => () => Promise.resolve(text);

await suite('source choice', { concurrency: 4, timeout: 10_000 }, () => {
  for (const nix of ['2.18.1', '2.34.8', '3.0']) {
    test(`auto takes the channel where its servers answer and Nix is ${nix}`, async context => {
      const asked: string[] = [];
      const channels = await serve(context, ({ method, url }, response) => {
        asked.push(`${method} ${url}`);
        response.end();
      });
      const { source } = await chooseSource(undefined, { nixVersion: version(nix), channels });
      assert.deepEqual(source, { kind: 'channel', name: DEFAULT_CHANNEL });
      assert.deepEqual(asked, [`HEAD /${DEFAULT_CHANNEL}/git-revision`]);
    });
  }

  for (const nix of ['2.8.0', '2.17.9', '1.99']) {
    test(`auto takes the bundled set where Nix is ${nix}, without asking anyone`, async context => {
      const channels = await serve(context, () => assert.fail('asked'));
      assert.deepEqual(await chooseSource(undefined, { nixVersion: version(nix), channels }), {
        source: { kind: 'debian' },
        ref: 'latest',
        setting: 'debian',
        reason: `nixpkgs needs Nix 2.18 or newer, and this is ${nix}`,
      });
    });
  }

  test('auto takes the bundled set where the channel is refused, and says so', async context => {
    const channels = await serve(context, (_, response) => response.writeHead(404).end());
    const { source, reason } = await chooseSource(undefined, { nixVersion: version('2.30.0'), channels });
    assert.deepEqual(source, { kind: 'debian' });
    assert.match(reason, /^nixpkgs' channel cannot be reached: 127\.0\.0\.1:\d+ answers 404 for nixos-/);
  });

  test('auto takes the bundled set where the servers are silent', async context => {
    const channels = await serve(context, () => {});
    const surroundings = { nixVersion: version('2.30.0'), channels, patience: 50 };
    const { source, reason } = await chooseSource(undefined, surroundings);
    assert.deepEqual(source, { kind: 'debian' });
    assert.match(reason, /does not answer within 0\.05 s$/);
  });

  test('auto takes the bundled set where nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await once(server.close(), 'close');
    const surroundings = { nixVersion: version('2.30.0'), channels: `http://127.0.0.1:${port}` };
    const { source, reason } = await chooseSource(undefined, surroundings);
    assert.deepEqual(source, { kind: 'debian' });
    assert.match(reason, /no connection to 127\.0\.0\.1:\d+ \(ECONNREFUSED\)$/);
  });

  test('keeps what was asked for, whatever Nix is at hand, and says where its servers are out of reach', async context => {
    const nixVersion = () => assert.fail('asked');
    const wanted = await parseWantedSource('channel:nixos-24.11');
    const source = { kind: 'channel', name: 'nixos-24.11' };
    const reachable = await serve(context, (_, response) => response.end());
    assert.deepEqual(await chooseSource(wanted, { nixVersion, channels: reachable }), {
      source,
      ref: 'latest',
      setting: 'channel:nixos-24.11',
      reason: 'as asked for',
    });
    const silent = await serve(context, () => {});
    const chosen = await chooseSource(wanted, { nixVersion, channels: silent, patience: 50 });
    assert.deepEqual(chosen.source, source);
    assert.match(chosen.reason, /^as asked for, though .* does not answer/);
  });

  test('refuses a channel that its servers do not have', async context => {
    const channels = await serve(context, (_, response) => response.writeHead(404).end());
    const surroundings = { nixVersion: version('2.30.0'), channels };
    const wanted = await parseWantedSource('channel:nope');
    await assert.rejects(chooseSource(wanted, surroundings), /There is no channel nope: .* answers 404/);
  });

  test('refuses a git source that is no repository', async context => {
    const surroundings = { nixVersion: version('2.30.0') };
    const wanted = await parseWantedSource(`git:${await temporaryFolder(context)}`);
    await assert.rejects(
      chooseSource(wanted, surroundings),
      /cannot be a package source: .* does not appear to be a git repository/,
    );
  });

  test('finds a folder from where it is started', async context => {
    const folder = await temporaryFolder(context);
    await writeFile(join(folder, 'default.nix'), '{ ... }: { }');
    const before = process.cwd();
    process.chdir(folder);
    context.after(() => process.chdir(before));
    assert.deepEqual(await parseWantedSource('path:.'), {
      source: { kind: 'path', folder },
      ref: 'latest',
      setting: `path:${folder}`,
    });
  });

  test('keeps that HEAD was chosen, and nothing else of a git repository', async () => {
    const url = 'https://example.org/set';
    for (const [text, ref] of [
      [`git:${url}`, 'latest'],
      [`git:${url}#latest`, 'latest'],
      [`git:${url}#a/b`, 'a/b'],
    ] as const)
      assert.deepEqual(await parseWantedSource(text), { source: { kind: 'git', url }, ref, setting: text });
  });

  test('refuses a folder that is no package set', async context => {
    const folder = await temporaryFolder(context);
    const message = `The package source ${folder} is not a folder with a default.nix in it.`;
    await assert.rejects(parseWantedSource(`path:${folder}`), new ConfigurationError(message));
  });

  for (const text of ['', 'nixpkgs', 'channel:', 'channel:../up', 'git:', 'path:', 'debian:12', 'AUTO']) {
    test(`refuses "${text}", and says what there is`, async () => {
      await assert.rejects(parseWantedSource(text), error => {
        assert.ok(error instanceof ConfigurationError);
        assert.match(error.message, /^".*" is not a package source: use channel:.*debian; or auto\.$/);
        return true;
      });
    });
  }
});
