// What planners have clients download and registries keep, as bars: an SVG that is read on light and on dark.
import type { Row } from './table.ts';

export interface Panel {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** What lies beyond is cut, and its figure told. */
const MOST = 4;
const [LABELS, BARS, FIGURES] = [230, 360, 60] as const;
const [ROW, HEAD, FOOT] = [40, 56, 34] as const;
const WIDTH = LABELS + BARS + FIGURES;

/** One panel below the other; in each two bars for each planner. Multiples of the ideal, from 1 on. */
export function chartOf(panels: readonly Panel[]): string {
  const heights = panels.map(({ rows }) => HEAD + rows.length * ROW);
  const height = heights.reduce((sum, each) => sum + each, 0) + FOOT;
  const drawn = panels.map((panel, i) => {
    const top = heights.slice(0, i).reduce((sum, each) => sum + each, 0);
    return `<g transform="translate(0 ${top})">\n${drawPanel(panel)}\n</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>Bytes downloaded and stored, as multiples of the ideal, by planner of layers</title>
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 14px }
.figure { font-size: 11px }
.bytes { fill: #2f6fd0 }
.storage { fill: #d08a2f }
.grid { stroke: #8c959f; stroke-opacity: 0.4 }
.ours { font-weight: 600 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .bytes { fill: #6ea8fe } .storage { fill: #f0b35a } }
</style>
${drawn.join('\n')}
${legend(height - FOOT + 12)}
</svg>
`;
}

function drawPanel({ title, rows }: Panel): string {
  const bottom = HEAD + rows.length * ROW - 8;
  const grid = Array.from({ length: MOST }, (_, i) => i + 1).map(
    tick =>
      `<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="${HEAD - 10}" y2="${bottom}"/>` +
      `<text class="figure" x="${x(tick)}" y="${HEAD - 16}" text-anchor="middle">${tick}×</text>`,
  );
  const bars = rows.map(({ planner, figures }, i) => {
    const y = HEAD + i * ROW;
    const mark = planner === 'Derivery' ? ' class="ours"' : '';
    return [
      `<text${mark} x="${LABELS - 10}" y="${y + 20}" text-anchor="end">${planner}</text>`,
      drawBar('bytes', figures.bytesByDigest, y),
      drawBar('storage', figures.storage, y + 15),
    ].join('\n');
  });
  return [`<text class="title" x="8" y="22">${title}</text>`, ...grid, ...bars].join('\n');
}

function drawBar(kind: 'bytes' | 'storage', ratio: number, y: number): string {
  const end = x(Math.min(ratio, MOST));
  // What is ideal has a bar too.
  const width = Math.max(end - LABELS, 2);
  return (
    `<rect class="${kind}" x="${LABELS}" y="${y}" width="${width}" height="13" rx="2"/>` +
    `<text class="figure" x="${LABELS + width + 5}" y="${y + 11}">${ratio.toFixed(2)}×</text>`
  );
}

function legend(y: number): string {
  const entry = (kind: string, text: string, left: number): string =>
    `<rect class="${kind}" x="${left}" y="${y}" width="13" height="13" rx="2"/>` +
    `<text x="${left + 19}" y="${y + 11}">${text}</text>`;
  return `${entry('bytes', 'bytes downloaded', LABELS)}\n${entry('storage', 'bytes stored', LABELS + 170)}`;
}

function x(ratio: number): number {
  return Math.round((LABELS + ((ratio - 1) / (MOST - 1)) * BARS) * 10) / 10;
}
