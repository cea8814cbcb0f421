// One part of the benchmark's result: rows of figures, compared with one of them.
import { formatFigure, formatRatio, formatTable } from './table.ts';

export interface Measure {
  /** Its name in a row's figures. */
  readonly key: string;
  /** With its unit. */
  readonly heading: string;
  readonly decimals: number;
  /** Whether a ratio to the baseline says anything. */
  readonly isCompared: boolean;
}

export interface Row {
  readonly label: string;
  /** What a row has nothing to say of is left out. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface Section {
  readonly title: string;
  /** The label of the row that ratios refer to, measured in the same run. */
  readonly baseline: string;
  readonly measures: readonly Measure[];
  readonly rows: readonly Row[];
  /** What one has to know to read the figures. */
  readonly notes: readonly string[];
}

export function formatSection(section: Section): string {
  const { title, baseline, measures, rows, notes } = section;
  const headings = measures.flatMap(({ heading, isCompared }) =>
    isCompared ? [heading, 'ratio'] : [heading],
  );
  const cells = rows.map(row => {
    const ratios = ratiosOf(section, row);
    return measures.flatMap(({ key, decimals, isCompared }) => {
      const figure = formatFigure(row.figures[key], decimals);
      const ratio = ratios[key];
      return isCompared ? [figure, ratio === undefined ? '-' : formatRatio(ratio)] : [figure];
    });
  });
  const table = formatTable(
    ['', ...headings],
    rows.map(({ label }, index) => [label, ...(cells[index] ?? [])]),
  );
  const legend = [`Ratios: to "${baseline}" of this run.`, ...notes];
  return [title, '', table, '', ...legend.map(line => `  ${line}`)].join('\n');
}

/** A row's figures as parts of the baseline's, for all measures that are compared and that both rows have. */
export function ratiosOf({ baseline, measures, rows }: Section, row: Row): Record<string, number> {
  const base = rows.find(({ label }) => label === baseline);
  if (base === undefined) throw new Error(`no row is called "${baseline}"`);
  const ratios: Record<string, number> = {};
  for (const { key, isCompared } of measures) {
    const value = row.figures[key];
    const reference = base.figures[key];
    if (isCompared && value !== undefined && reference !== undefined) ratios[key] = value / reference;
  }
  return ratios;
}
