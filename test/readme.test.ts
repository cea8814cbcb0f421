// The README's tables against the lists that they tell of.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { META_PACKAGES } from '#core/meta-packages.ts';
import { janitorSettings } from '#functions/janitor/settings.ts';
import { prebuildSettings } from '#functions/prebuild/settings.ts';
import { registrySettings } from '#functions/registry/settings.ts';
import { DEFAULT_CHANNEL } from '#local/source-choice.ts';
import { workerSettings } from '#worker/settings.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** The cells of the table whose header begins with this word, row by row. */
function table(header: string): string[][] {
  const lines = README.split('\n');
  const start = lines.findIndex(line => new RegExp(`^\\| ${header} +\\|`).test(line));
  assert.ok(start >= 0, `a table of each ${header}`);
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map(line =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map(cell => cell.trim()),
  );
}

const namesIn = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

describe('the README', () => {
  test('says of each meta-package what the list says', () => {
    const rows = table('name').map(([name, does]) => [namesIn(name)[0], does?.replace(/ \(.*\)$/, '')]);
    assert.deepEqual(
      rows,
      Object.entries(META_PACKAGES).map(([name, { does }]) => [name, does]),
    );
  });

  const programs = {
    registry: registrySettings,
    prebuild: prebuildSettings,
    janitor: janitorSettings,
    worker: workerSettings,
  };

  test('has every setting, and no other', () => {
    const named = table('variable').flatMap(([variable]) => namesIn(variable));
    assert.equal(new Set(named).size, named.length, 'each once');
    const settings = new Set(Object.values(programs).flatMap(schema => Object.keys(schema)));
    const others = ['PORT', 'DERIVERY_STATE', 'NIXERY_CHANNEL', 'NIXERY_PKGS_REPO', 'NIXERY_PKGS_PATH'];
    assert.deepEqual(named.toSorted(), [...settings, ...others].toSorted());
  });

  test('says which program each setting is of', () => {
    for (const [variable, of = ''] of table('variable')) {
      for (const name of namesIn(variable)) {
        const readers = Object.keys(programs).filter(
          program => name in programs[program as keyof typeof programs],
        );
        if (readers.length === 0) continue;
        const told = of.split(', ').filter(program => program !== 'start');
        const isOfAll = readers.length === Object.keys(programs).length;
        assert.deepEqual(told, isOfAll ? ['all'] : readers, name);
      }
    }
  });

  test('names the channel that is the default', () => {
    assert.ok(README.includes(`\`${DEFAULT_CHANNEL}\``));
  });
});
