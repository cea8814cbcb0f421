import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { EVERY_REF } from '#core/git-ref.ts';
import type { Offer } from '#core/image-request.ts';
import type { PackageSource } from '#core/package-source.ts';
import { sourceKey } from '#core/source-document.ts';
import { parseSourceRules, withDefaultSource } from '#core/source-rules.ts';
import { Cloud } from '#test/cloud.ts';
import { offerOf } from '#test/core/deployment.ts';
import { Served, type Received } from './served.ts';
import { specError } from './spec-errors.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

let repositories = 0;

/** A repository that no other test has, and the key of its refs. */
function newRepository() {
  repositories += 1;
  const source: PackageSource = { kind: 'git', url: `https://example.org/${repositories}` };
  return { source, key: sourceKey({ source, ref: EVERY_REF }) };
}

async function serve(context: TestContext, offer: Offer): Promise<Served> {
  const served = await Served.start('node:http', cloud, 60_000, { offer });
  context.after(() => served[Symbol.asyncDispose]());
  return served;
}

function rules(text: string): Offer {
  return { ...offerOf(), sources: withDefaultSource(parseSourceRules(text), 'debian') };
}

function tagsIn({ status, body }: Received): string[] {
  assert.equal(status, 200, body.toString());
  return (JSON.parse(body.toString()) as { tags: string[] }).tags;
}

describe('the tags of a name', () => {
  test('are those of the deployment’s rules, for every name that images can have', async context => {
    const served = await serve(context, rules('v1=channel:a nixos-*=channel:nixos-*'));
    for (const name of ['hello', 'shell/git', 'arm64/a-b', 'nobody-has-this']) {
      const answer = await served.send(`/v2/${name}/tags/list`);
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.equal(answer.headers['warning'], undefined);
      assert.equal(answer.body.toString(), JSON.stringify({ name, tags: ['latest', 'v1'] }));
    }
    assert.equal(specError(await served.send('/v2/arm64/tags/list'), 404).code, 'NAME_INVALID');
    assert.equal(specError(await served.send('/v2/A/tags/list'), 400).code, 'NAME_INVALID');
    assert.deepEqual(await cloud.takeHints('refresh'), []);
  });

  test('are of a git repository what a worker saw last; one that nobody saw is looked at', async context => {
    const { source, key } = newRepository();
    const served = await serve(context, offerOf(source));
    const first = await served.send('/v2/hello/tags/list');
    assert.deepEqual(tagsIn(first), ['latest']);
    assert.match(
      String(first.headers['warning']),
      /^299 - "the branches and tags of git:.* are being looked up"$/,
    );
    assert.deepEqual(await cloud.takeHints('refresh'), [key]);
    assert.deepEqual(tagsIn(await served.send('/v2/hello/tags/list')), ['latest']);
    assert.deepEqual(await cloud.takeHints('refresh'), [], 'one was asked already');

    await cloud.sources.recordRefs(key, source, ['main', 'feature/x']);
    const then = await served.send('/v2/hello/tags/list');
    assert.deepEqual(tagsIn(then), ['feature__2fx', 'latest', 'main']);
    assert.equal(then.headers['warning'], undefined);
    assert.deepEqual(await cloud.takeHints('refresh'), []);
  });

  test('are looked up again when they have grown old, and told as they were', async context => {
    const { source, key } = newRepository();
    const served = await serve(context, offerOf(source));
    await cloud.sources.recordRefs(key, source, ['main']);
    await cloud.firestore
      .collection('sources')
      .doc(key)
      .update({ 'refs.listedAt': new Date(0) });
    assert.deepEqual(tagsIn(await served.send('/v2/hello/tags/list')), ['latest', 'main']);
    assert.deepEqual(await cloud.takeHints('refresh'), [key]);
  });

  test('are another list as soon as a worker has listed them anew', async context => {
    const { source, key } = newRepository();
    const served = await serve(context, offerOf(source));
    for (const branch of ['one', 'two', 'three']) {
      await cloud.sources.recordRefs(key, source, [branch]);
      for (const _ of [1, 2])
        assert.deepEqual(tagsIn(await served.send('/v2/hello/tags/list')), ['latest', branch]);
    }
    await cloud.sources.recordRefs(key, source, []);
    assert.deepEqual(tagsIn(await served.send('/v2/hello/tags/list')), ['latest']);
  });

  test('are more than fit: the answer says how many are left out', async context => {
    const { source, key } = newRepository();
    const served = await serve(context, offerOf(source));
    const names = Array.from(
      { length: 12_000 },
      (_, at) => `${String(at).padStart(5, '0')}-${'x'.repeat(100)}`,
    );
    await cloud.sources.recordRefs(key, source, names);
    const answer = await served.send('/v2/hello/tags/list?n=2&last=00');
    assert.deepEqual(tagsIn(answer), names.slice(0, 2));
    const [, leftOut] =
      /^299 - "(\d+) branches and tags of git:\S+ are not listed"$/.exec(String(answer.headers['warning'])) ??
      [];
    assert.equal(Number(leftOut), names.length - Math.floor((512 * 1024) / 107));
  });

  test('come in pages, each with the address of the next', async context => {
    const all = ['a', 'b', 'c', 'd', 'latest'];
    const served = await serve(context, rules('a=debian b=debian c=debian d=debian'));
    for (const size of [1, 2, 3, 4, 5, 6]) {
      const pages: string[][] = [];
      let target: string | undefined = `/v2/hello/tags/list?ns=docker.io&n=${size}`;
      while (target !== undefined) {
        const answer: Received = await served.send(target);
        pages.push(tagsIn(answer));
        const link: string | undefined = answer.headers['link'] as string | undefined;
        target = link === undefined ? undefined : /^<(\/[^>]+)>; rel="next"$/.exec(link)?.[1];
        assert.equal(target === undefined, link === undefined, link);
      }
      assert.equal(pages.length, Math.ceil(all.length / size));
      assert.deepEqual(pages.flat(), all);
    }
  });

  test('begin behind any text, and are none where none were asked for', async context => {
    const served = await serve(context, rules('a=debian b=debian'));
    const cases: readonly [query: string, tags: string[]][] = [
      ['last=a', ['b', 'latest']],
      ['last=aa', ['b', 'latest']],
      ['last=A', ['a', 'b', 'latest']],
      ['last=z', []],
      ['last=', ['a', 'b', 'latest']],
      ['n=0', []],
      ['n=0&last=a', []],
      ['n=999999', ['a', 'b', 'latest']],
    ];
    for (const [query, tags] of cases) {
      const answer = await served.send(`/v2/hello/tags/list?${query}`);
      assert.deepEqual(tagsIn(answer), tags, query);
      assert.equal(answer.headers['link'], undefined, query);
    }
    for (const wrong of ['-1', 'x', '1.5', '', '9'.repeat(20)]) {
      assert.equal(specError(await served.send(`/v2/hello/tags/list?n=${wrong}`), 400).code, 'UNSUPPORTED');
    }
  });
});

describe('the catalog', () => {
  test('is refused with a sentence', async context => {
    const served = await serve(context, offerOf());
    const { code, message } = specError(await served.send('/v2/_catalog?n=5'), 404);
    assert.equal(code, 'UNSUPPORTED');
    assert.match(message, /no catalog/);
  });
});
