// The page with the end of a failed build's log, and who is told of it how.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newBuildLog } from '#core/google/build-logs.ts';
import type { Failure } from '#core/failure.ts';
import { claimant, Cloud } from '#test/cloud.ts';
import { Served } from './served.ts';
import { specError } from './spec-errors.ts';

const HOUR = 3_600_000;
const CONTAINERD = { 'user-agent': 'containerd/v1.7.27' };

describe('the log of a build that failed', () => {
  let cloud: Cloud;
  let registry: Served;
  before(async () => {
    cloud = await Cloud.start();
    registry = await Served.start('functions-framework', cloud, 60_000);
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
    await cloud[Symbol.asyncDispose]();
  });

  async function fails(failure: Failure, text?: string) {
    const { name, key } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('worker'));
    const log = text === undefined ? undefined : newBuildLog(text);
    await cloud.images.fail(key, 'worker', { ...failure, ...(log && { logId: log.id }) }, 'r1', log);
    return { path: `/v2/${name}/manifests/latest`, id: log?.id ?? '' };
  }

  const broken: Failure = { kind: 'build_failed', message: '"hello" cannot be built.', log: 'the last line' };
  const text = `<script>alert(1)</script>\n${'a line\n'.repeat(9_000)}ü the end`;

  test('has a page, whose address the message names as the client knows us', async () => {
    const { path, id } = await fails(broken, text);
    const local = specError(await registry.send(path, { headers: { host: 'localhost:8080' } }), 403).message;
    assert.match(local, new RegExp(`More of it: http://localhost:8080/builds/${id}/log$`));
    const tls = { host: 'images.example.org', 'x-forwarded-proto': 'https' };
    const behind = specError(await registry.send(path, { headers: tls }), 403).message;
    assert.match(behind, new RegExp(`More of it: https://images.example.org/builds/${id}/log$`));
    const forged = specError(await registry.send(path, { headers: { host: 'a"b' } }), 403).message;
    assert.match(forged, new RegExp(`More of it: /builds/${id}/log$`));

    const page = await registry.send(`/builds/${id}/log`);
    assert.equal(page.status, 200);
    assert.equal(page.body.toString(), `${text}\n`);
    assert.equal(page.headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(page.headers['x-content-type-options'], 'nosniff');
    assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
  });

  test('commands no terminal, on its page or in the message', async () => {
    const hostile = '\u001b]0;title\u0007\u001bP1;2|\u001b\\\u009b31mred\u001b\u001b[1m[31m\b\0\r\nthe\tend';
    const failure: Failure = { ...broken, message: `"hello" says ${hostile}`, log: hostile };
    const { path, id } = await fails(failure, hostile);
    const { message } = specError(await registry.send(path), 403);
    const page = (await registry.send(`/builds/${id}/log`)).body.toString();
    for (const said of [message, page]) {
      assert.doesNotMatch(said, /(?![\t\n])\p{Cc}/u);
      assert.match(said, /red.*\nthe\tend/);
    }
  });

  test('is there for who knows its address only, and for a day', async () => {
    const { id } = await fails(broken, text);
    for (const path of [
      '/builds/',
      '/builds/1/log',
      `/builds/${id}`,
      `/builds/${id}/log/`,
      '/builds/x/../log',
    ]) {
      specError(await registry.send(path), 404);
    }
    specError(await registry.send(`/builds/${newBuildLog('').id}/log`), 404);
    const stored = cloud.firestore.collection('logs').doc(id);
    await stored.update({ expireAt: new Date(Date.now() - 1) });
    specError(await registry.send(`/builds/${id}/log`), 404);
    await stored.update({ expireAt: new Date(Date.now() + HOUR) });
    assert.equal((await registry.send(`/builds/${id}/log`)).status, 200);
  });

  test('is named in the address that containerd shows, with the reason', async () => {
    const { path, id } = await fails(broken, text);
    for (const method of ['HEAD', 'GET']) {
      const sent = await registry.send(`${path}?ns=h`, { method, headers: CONTAINERD });
      assert.equal(sent.status, 307);
      assert.equal(
        sent.headers.location,
        `${path}?ns=h&build=failed&reason=hello-cannot-be-built.&log=${id}`,
      );
      const told = await registry.send(sent.headers.location, { method, headers: CONTAINERD });
      assert.equal(told.status, 403);
    }
    const refused = await fails({ kind: 'refused', message: '"unrar" has an unfree license' });
    const { headers } = await registry.send(refused.path, { headers: CONTAINERD });
    assert.equal(headers.location, `${refused.path}?build=failed&reason=unrar-has-an-unfree-license`);
    const unknown = await fails({ kind: 'unknown_package', message: 'there is no "gti"' });
    specError(await registry.send(unknown.path, { headers: CONTAINERD }), 404);
  });
});
