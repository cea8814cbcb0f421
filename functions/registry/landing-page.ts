// The page at `/`: what this is, and how to pull.
import { META_PACKAGES } from '#core/meta-packages.ts';
import type { Offer } from '#core/image-request.ts';
import type { Answer } from './answer.ts';

/** A page without scripts, images or anything from elsewhere. `host` is the request's own idea of our address. */
export function landingPage({ sources }: Offer, host: string): Answer {
  const pull = `docker pull ${/^[A-Za-z0-9.:[\]-]+$/.test(host) ? host : 'HOST'}/shell/git/curl`;
  const tags = sources.map(
    rule =>
      `      <dt><code>${escapeHtml(rule.tags.text)}</code></dt>\n      <dd><code>${escapeHtml(rule.source)}</code></dd>`,
  );
  const metas = Object.entries(META_PACKAGES).map(
    ([name, { does }]) =>
      `      <dt><code>${escapeHtml(name)}</code></dt>\n      <dd>${escapeHtml(does)}</dd>`,
  );
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
      'cache-control': 'no-cache',
    },
    body: `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>Derivery</title>
    <style>
      body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
      pre { padding: 0.75rem 1rem; background: #8882; overflow-x: auto; }
      dd { margin: 0 0 0.5rem; }
    </style>
  </head>
  <body>
    <h1>Derivery</h1>
    <p>A container registry that has no images until someone asks for one. Name the packages you want, and pull:</p>
    <pre>${escapeHtml(pull)}</pre>
    <p>
      The image has these packages, what they need, and certificates. It is built by Nix when its name is first pulled, and
      served from cache from then on: the first pull waits for the build.
    </p>
    <h2>Names</h2>
    <p>Each part of the name between the slashes is a package. At the front, these stand for something else:</p>
    <dl>
${metas.join('\n')}
    </dl>
    <h2>Tags</h2>
    <p>
      A tag chooses where the packages come from. A <code>*</code> stands for any text, <code>{commit}</code> for the 40
      digits of a commit:
    </p>
    <dl>
${tags.join('\n')}
    </dl>
  </body>
</html>
`,
  };
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);
}
