// docs/faults.md against the tests that it tells of.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

const ROOT = new URL('../../', import.meta.url);
const PAGE = readFileSync(new URL('docs/faults.md', ROOT), 'utf8');

interface Row {
  readonly number: string;
  readonly cells: readonly string[];
  readonly files: readonly string[];
  /** Why there is no test of it. */
  readonly reason: string | undefined;
}

const rows: readonly Row[] = PAGE.split('\n')
  .filter(line => /^\| [TN]\d+ /.test(line))
  .map(line => {
    const [number = '', ...cells] = line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim());
    const proof = cells.at(-1) ?? '';
    const files = [...proof.matchAll(/`(test\/[^`]+\.test\.ts)`/g)].map(([, file = '']) => file);
    return proof.startsWith('none: ')
      ? { number, cells, files: [], reason: proof.slice('none: '.length) }
      : { number, cells, files, reason: undefined };
  });

const upTo = (letter: string, last: number): string[] =>
  Array.from({ length: last }, (_, at) => `${letter}${at + 1}`);

/** The number before the colon of a title or of a comment, alone or among others. */
const numbered = (number: string): RegExp =>
  new RegExp(`(?:['"\`]|// )(?:[TN]\\d+(?:, | and ))*${number}(?:(?:, | and )[TN]\\d+)*: `);

describe('the table of faults', () => {
  test('has every number once, in order', () => {
    assert.deepEqual(
      rows.map(({ number }) => number),
      [...upTo('T', 32), ...upTo('N', 14)],
    );
  });

  for (const { number, cells, files, reason } of rows) {
    test(`${number} has a test with its number, or a reason why not`, () => {
      assert.equal(cells.length, 3);
      if (reason !== undefined) {
        assert.ok(reason.length > 40, reason);
        return;
      }
      assert.ok(files.length > 0 && cells[1] !== '', `${number}: what happens, and the file that shows it`);
      for (const file of files) {
        assert.match(readFileSync(new URL(file, ROOT), 'utf8'), numbered(number), `${number} in ${file}`);
      }
    });
  }

  test('has a row for every number that a test has', () => {
    const known = new Set(rows.map(({ number }) => number));
    for (const file of globSync('test/**/*.test.ts', { cwd: ROOT })) {
      const titles = readFileSync(new URL(file, ROOT), 'utf8').matchAll(/['"`]((?:[TN]\d+, )*[TN]\d+): /g);
      for (const [, numbers = ''] of titles) {
        for (const number of numbers.split(', ')) assert.ok(known.has(number), `${number} in ${file}`);
      }
    }
  });
});
