import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSection, ratiosOf, type Section } from './section.ts';

const SECTION: Section = {
  title: 'Pulls of shell',
  baseline: 'first',
  measures: [
    { key: 'runs', heading: 'runs', decimals: 0, isCompared: false },
    { key: 'seconds', heading: 'seconds', decimals: 2, isCompared: true },
  ],
  rows: [
    { label: 'again', figures: { runs: 12, seconds: 6.2 } },
    { label: 'first', figures: { runs: 1, seconds: 20 } },
    { label: 'not timed', figures: { runs: 3 } },
  ],
  notes: ['Medians.'],
};

test('a section is a table whose ratios say what they refer to', () => {
  assert.equal(
    formatSection(SECTION),
    `Pulls of shell

           runs  seconds  ratio
---------  ----  -------  -----
again        12     6.20  0.31×
first         1    20.00  1.00×
not timed     3        -      -

  Ratios: to "first" of this run.
  Medians.`,
  );
});

test('ratios are of what is compared, where both rows have it', () => {
  assert.deepEqual(
    SECTION.rows.map(row => ratiosOf(SECTION, row)),
    [{ seconds: 0.31 }, { seconds: 1 }, {}],
  );
});

test('a baseline that was not measured is an error', () => {
  assert.throws(() => formatSection({ ...SECTION, baseline: 'second' }), /no row is called "second"/);
});
