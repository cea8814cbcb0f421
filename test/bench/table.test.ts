import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFigure, formatRatio, formatTable } from './table.ts';

test('ratios keep two digits, however small they are', () => {
  const shown = [1, 0.314, 12.345, 0.1, 0.05, 0.0123, 0.000361, 0].map(formatRatio);
  assert.deepEqual(shown, ['1.00×', '0.31×', '12.35×', '0.10×', '0.050×', '0.012×', '0.00036×', '0.00×']);
});

test('what was not measured is a dash, not a zero', () => {
  assert.equal(formatFigure(undefined, 2), '-');
  assert.equal(formatFigure(0, 2), '0.00');
  assert.equal(formatFigure(1234.5678, 1), '1234.6');
});

test('columns are as wide as their widest cell, labels left and figures right', () => {
  const table = formatTable(
    ['', 'a', 'ratio'],
    [
      ['long label', '1', '1.00×'],
      ['x', '1000', '-'],
    ],
  );
  assert.equal(
    table,
    '               a  ratio\n----------  ----  -----\nlong label     1  1.00×\nx           1000      -',
  );
});

test('a second column of labels stands to the left too', () => {
  assert.equal(
    formatTable(
      ['what', 'of', 'count'],
      [
        ['pulls', 'node', '7'],
        ['a', '', '10'],
      ],
      2,
    ),
    'what   of    count\n-----  ----  -----\npulls  node      7\na               10',
  );
});
