// The figures of a workload as a table in Markdown, laid out as prettier would.
import type { Figures } from './measure.ts';

export interface Row {
  readonly planner: string;
  readonly figures: Figures;
}

const COLUMNS: readonly (readonly [heading: string, text: (figures: Figures) => string])[] = [
  ['bytes', ({ bytesByDigest }) => times(bytesByDigest)],
  ['bytes, ChainID', ({ bytesByChain }) => times(bytesByChain)],
  ['unpacked', ({ bytesUnpacked }) => times(bytesUnpacked)],
  ['storage', ({ storage }) => times(storage)],
  ['MB to compress', ({ compressedPerImage }) => compressedPerImage.toFixed(1)],
  ['new layers', ({ newLayersPerPull }) => newLayersPerPull.toFixed(1)],
  [
    'layers',
    ({ layersMean, layersP95, layersMax }) =>
      [layersMean, layersP95, layersMax].map(n => n.toFixed(0)).join('/'),
  ],
  ['plan ms', ({ planMsP50, planMsP99 }) => `${planMsP50.toFixed(2)}/${planMsP99.toFixed(1)}`],
  ['unstable', ({ unstable }) => String(unstable)],
];

/** A row for each planner, in their order. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ planner, figures }) => [planner, ...COLUMNS.map(([, text]) => text(figures))]);
  const headings = ['planner', ...COLUMNS.map(([heading]) => heading)];
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...cells.map(row => row[i]?.length ?? 0)),
  );
  const lineOf = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [headings, rule, ...cells].map(lineOf).join('\n');
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)}×`;
}
