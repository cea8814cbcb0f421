// Plain text in columns, and figures as a table shows them.

/** A table: labels (so many columns) to the left, figures to the right, a rule below the headings. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  labels = 1,
): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map(row => row[column]?.length ?? 0)),
  );
  const formatRow = (row: readonly string[]): string =>
    widths
      .map(
        (width, column) =>
          (column < labels ? row[column]?.padEnd(width) : row[column]?.padStart(width)) ?? '',
      )
      .join('  ')
      .trimEnd();
  const rule = widths.map(width => '-'.repeat(width));
  return [headings, rule, ...rows].map(formatRow).join('\n');
}

/** `0.31×`: two decimals, or two digits where it is so small that these would be lost. */
export function formatRatio(ratio: number): string {
  if (ratio === 0 || ratio >= 0.1) return `${ratio.toFixed(2)}×`;
  const decimals = 1 - Math.floor(Math.log10(ratio));
  return `${ratio.toFixed(decimals)}×`;
}

/** A figure with so many decimals; a dash where there is none. */
export function formatFigure(value: number | undefined, decimals: number): string {
  return value === undefined ? '-' : value.toFixed(decimals);
}
