// The runbook (docs/operate.md) against what it tells of: names, commands and links that are there.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { execa } from 'execa';
import packageJson from '../package.json' with { type: 'json' };

const ROOT = resolve(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const DOCS = join(ROOT, 'docs');
const RUNBOOK = read('docs/operate.md');
const MODULE = globSync('infra/*.tf', { cwd: ROOT }).map(read).join('\n');

const named = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, name = '']) => name);

/** Blocks of a language, in order. */
function blocks(language: string): string[] {
  return named(RUNBOOK, new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'));
}

/** What stands in a section of the runbook. */
function section(title: string): string {
  const start = RUNBOOK.indexOf(`\n## ${title}\n`);
  assert.ok(start >= 0, `a section "${title}"`);
  return RUNBOOK.slice(start, RUNBOOK.indexOf('\n## ', start + 1));
}

/** Names in the first cells of a section's tables. */
const firstCells = (title: string): string[] =>
  named(section(title), /^\| (`[^|]*`) +\|/gm).flatMap(cell => named(cell, /`([^`]+)`/g));

/** Keys of the objects in a local value of the module, as `alerts`. */
function keysOf(file: string, local: string): string[] {
  const value = new RegExp(`^  ${local} = \\{\\n(.*?)^  \\}`, 'ms').exec(read(file))?.[1] ?? '';
  return named(value, /^ {4}(\w+) = \{/gm);
}

describe('the runbook', () => {
  test('has every variable of Terraform, and no other', () => {
    assert.deepEqual(firstCells('Choices').toSorted(), named(MODULE, /^variable "(\w+)"/gm).toSorted());
  });

  test('has every output, and no other', () => {
    assert.deepEqual(firstCells('First deploy').toSorted(), named(MODULE, /^output "(\w+)"/gm).toSorted());
    for (const name of named(RUNBOOK, /output -raw (\w+)/g))
      assert.ok(firstCells('First deploy').includes(name), name);
  });

  test('has every alert by what it says, and no other', () => {
    const alerts = keysOf('infra/alerts.tf', 'alerts');
    assert.ok(alerts.length > 0);
    assert.deepEqual(firstCells('Alerts').toSorted(), alerts.toSorted());
    for (const says of named(read('infra/alerts.tf'), /says += "([^"]+)"/g)) {
      assert.ok(section('Alerts').includes(`| ${says} `), says);
    }
  });

  test('has every chart of the dashboard', () => {
    const titles = named(read('infra/dashboard.tf'), /title += "([^"]+)"/g);
    assert.ok(titles.length > 0);
    for (const title of titles) assert.ok(section('The dashboard').includes(`| ${title} `), title);
  });

  test('names fields and settings that there are', () => {
    for (const [, variable = '', field = ''] of RUNBOOK.matchAll(
      /`(worker|fleet|registry|access|prebuild|existing_secrets)\.(\w+)(?: = [^`]*)?`/g,
    )) {
      const declared = new RegExp(`^variable "${variable}" \\{.*?^\\}`, 'ms').exec(MODULE)?.[0] ?? '';
      assert.match(declared, new RegExp(`^ {4}${field} += optional\\(`, 'm'), `${variable}.${field}`);
    }
    const smoke = read('infra/smoke/command-line.ts');
    for (const setting of named(RUNBOOK, /\b(DERIVERY_\w+)/g))
      assert.ok(
        MODULE.includes(`"${setting}"`) || MODULE.includes(`  ${setting} `) || smoke.includes(`'${setting}'`),
        setting,
      );
  });

  test('names commands that there are, and the README those of npm', () => {
    for (const [page, text] of [
      ['operate.md', RUNBOOK],
      ['README.md', read('README.md')],
    ] as const) {
      for (const script of named(text, /\bnpm run ([\w:]+)/g))
        assert.ok(script in packageJson.scripts, `${page}: npm run ${script}`);
    }
    for (const option of named(RUNBOOK, /npm run smoke -- (--\w+)/g))
      assert.ok(read('infra/smoke/command-line.ts').includes(`'${option}'`), option);
  });

  test('has blocks that bash can read, with no blank to be filled in within a line', async () => {
    const scripts = blocks('bash');
    assert.ok(scripts.length > 10);
    for (const script of scripts) {
      const { exitCode, stderr } = await execa('bash', ['-n'], { input: script, reject: false });
      assert.equal(exitCode, 0, `${script}\n${stderr}`);
      assert.doesNotMatch(script, /<[a-z-]+>/, script);
    }
    assert.equal(
      named(RUNBOOK, /^```(\w*)$/gm).filter(language => language !== '').length,
      scripts.length + blocks('hcl').length,
    );
  });

  test('and the other pages have links that lead somewhere', () => {
    for (const page of ['README.md', ...globSync('docs/*.md', { cwd: ROOT })]) {
      for (const link of named(read(page), /\]\(([^)]+)\)/g)) {
        if (/^https?:/.test(link)) continue;
        const [path = '', anchor] = link.split('#', 2);
        const folder = page === 'README.md' ? ROOT : DOCS;
        const target = path === '' ? join(ROOT, page) : join(folder, path);
        assert.ok(existsSync(target), `${page}: ${link}`);
        if (anchor !== undefined)
          assert.ok(anchors(readFileSync(target, 'utf8')).includes(anchor), `${page}: ${link}`);
      }
    }
  });
});

/** Where the headings of a page can be linked, as GitHub makes it. */
function anchors(page: string): string[] {
  return named(page, /^#+ (.+)$/gm).map(heading =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
