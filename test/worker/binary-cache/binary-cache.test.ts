import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, test, type TestContext } from 'node:test';
import { TransientError } from '#core/errors.ts';
import { parseStorePath } from '#core/store-path.ts';
import { startHttpServer } from '#local/http-server.ts';
import { cacheOf, derivations, emptyStore } from '#test/worker/nix/binary-cache.ts';
import { openBinaryCache } from '#worker/binary-cache/binary-cache.ts';

const never = new AbortController().signal;
const path = parseStorePath(`/nix/store/${'a'.repeat(32)}-hello-1`);
const NARINFO = `StorePath: ${path}\nNarSize: 5\nReferences: \n`;
const FILE = `/${'a'.repeat(32)}.narinfo`;

type Answer = (response: ServerResponse) => unknown;

const say =
  (status: number, text = ''): Answer =>
  response =>
    response.writeHead(status).end(text);

/** A cache on the web that answers each question for a file in turn by one of these, and from then on by the last. */
async function serve(context: TestContext, files: Readonly<Record<string, readonly Answer[]>>) {
  const asked: string[] = [];
  const server = await startHttpServer((request, response) => {
    const file = request.url ?? '';
    const answers = files[file] ?? [say(404)];
    const times = asked.filter(other => other === file).length;
    asked.push(file);
    (answers[times] ?? answers.at(-1))?.(response);
    return Promise.resolve();
  });
  context.after(() => server.close());
  return { url: server.url, asked };
}

const INFO = { '/nix-cache-info': [say(200, 'StoreDir: /nix/store\nWantMassQuery: 1\n')] };

/** What a cache says of the path that answers like this. */
async function told(context: TestContext, ...answers: readonly Answer[]) {
  const { url } = await serve(context, { ...INFO, [FILE]: answers });
  const cache = (await openBinaryCache(`${url}?priority=10`, never)) ?? assert.fail();
  return cache.narinfo(path, never);
}

describe('a binary cache', { concurrency: true, timeout: 60_000 }, () => {
  test('tells what it knows of a path, also where it has to be asked again', async context => {
    const expected = { path, narSize: 5, references: [] };
    assert.deepEqual(await told(context, say(200, NARINFO)), expected);
    const hangUp: Answer = response => response.destroy();
    assert.deepEqual(await told(context, say(503), hangUp, say(200, NARINFO)), expected);
  });

  for (const status of [401, 403, 404, 410]) {
    test(`that answers ${status} does not have the path`, async context => {
      assert.equal(await told(context, say(status), say(200, NARINFO)), undefined);
    });
  }

  test('that has no end to what it says of a path does not have it', async context => {
    const endless = say(200, NARINFO.padEnd(1 << 21, 'Note: nothing\n'));
    assert.equal(await told(context, endless), undefined);
  });

  test('that goes on failing is an error that another try may get past', async context => {
    await assert.rejects(told(context, say(500)), TransientError);
  });

  test('that nobody answers for is one, too', async () => {
    await assert.rejects(openBinaryCache('http://127.0.0.1:1', never), TransientError);
  });

  test('is not asked any more once nobody wants to know', async context => {
    const aborted = new AbortController();
    const reason = new Error('stop');
    const { url, asked } = await serve(context, {
      '/nix-cache-info': [
        response => {
          aborted.abort(reason);
          response.destroy();
        },
      ],
    });
    await assert.rejects(openBinaryCache(url, aborted.signal), error => error === reason);
    assert.equal(asked.length, 1);
  });

  test('of another store, or that is none, is passed over', async context => {
    const other = await serve(context, { '/nix-cache-info': [say(200, 'StoreDir: /gnu/store\n')] });
    const website = await serve(context, {});
    const addresses = [other.url, website.url, 's3://bucket', 'ssh://host', '/folder?trusted=1', 'daemon'];
    for (const address of [...addresses, 'file:///no-such-folder']) {
      assert.equal(await openBinaryCache(address, never), undefined, address);
    }
  });

  test('may be a folder, as Nix writes it', async context => {
    const nix = await emptyStore(context);
    const { data, app } = await derivations(
      context,
      nix,
      { data: 'echo 1 >$out', app: 'echo ${data} >$out' },
      true,
    );
    assert.ok(data && app);
    const cache = (await openBinaryCache(await cacheOf(context, nix, [app.path]), never)) ?? assert.fail();
    const { fileSize, ...narinfo } = (await cache.narinfo(app.path, never)) ?? assert.fail();
    const { narSize } = narinfo;
    assert.deepEqual(narinfo, { path: app.path, narSize, references: [data.path] });
    assert.ok(narSize > 0 && fileSize !== undefined && fileSize > 0);
    assert.equal(await cache.narinfo(path, never), undefined);
  });
});
