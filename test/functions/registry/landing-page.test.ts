import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { META_PACKAGES } from '#core/meta-packages.ts';
import { parseSourceRules } from '#core/source-rules.ts';
import { landingPage } from '#functions/registry/landing-page.ts';
import { offerOf } from '#test/core/deployment.ts';

const page = (host: string, rules = ''): string =>
  String(landingPage({ ...offerOf(), sources: parseSourceRules(rules) }, host).body);

describe('landing page', () => {
  for (const host of ['localhost:8080', '127.0.0.1:80', '[::1]:8080', 'registry.example.org']) {
    test(`has a command for ${host} to copy`, () => {
      assert.ok(page(host).includes(`<pre>docker pull ${host}/shell/git/curl</pre>`));
    });
  }

  for (const host of ['', '<script>alert(1)</script>', 'a"b', "a'b", 'a&b', 'a b', 'x;rm -rf /', '$(id)', 'a\nb', 'a/b']) {
    test(`does not repeat ${JSON.stringify(host)}, which is no host`, () => {
      assert.ok(page(host).includes('<pre>docker pull HOST/shell/git/curl</pre>'));
    });
  } // prettier-ignore

  test('shows tags and the package sources behind them as text', () => {
    const body = page('h', `unstable=channel:nixos-unstable pr-*=git:https://example.org/<b>&"'.git`);
    assert.ok(
      body.includes('<code>unstable</code></dt>\n      <dd><code>channel:nixos-unstable</code>'),
      body,
    );
    assert.ok(body.includes('<code>git:https://example.org/&#60;b&#62;&#38;&#34;&#39;.git#*</code>'), body);
    assert.doesNotMatch(body, /<b>/);
  });

  test('names every meta-package', () => {
    for (const name of Object.keys(META_PACKAGES)) assert.ok(page('h').includes(`<code>${name}</code>`));
  });

  test('may run and load nothing, and has nothing to run or load', () => {
    const { headers } = landingPage(offerOf(), 'h');
    assert.equal(headers['content-security-policy'], "default-src 'none'; style-src 'unsafe-inline'");
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.doesNotMatch(page('h'), /<(script|img|link|iframe)|https?:\/\/(?!example\.org)|\son\w+=/i);
  });
});
