// The programs' logs (one JSON object a line, as Google Cloud Logging reads them) as short lines for people.
import type { styleText } from 'node:util';
import { z } from 'zod';

const entrySchema = z.looseObject({
  message: z.string(),
  severity: z.string().default('INFO'),
  time: z.string().optional(),
});

/** Fields that every line has, or that are shown in another way. */
const SHOWN = new Set(['message', 'severity', 'time', 'component', 'error', 'pid', 'hostname']);

/** Colours a text, or leaves it as it is where nobody could see it. */
export type Style = (format: Parameters<typeof styleText>[0], text: string) => string;

const STYLES = { WARNING: 'yellow', ERROR: 'red', CRITICAL: 'red', DEBUG: 'dim' } as const;
type Styled = keyof typeof STYLES;

const NAME_WIDTH = 10;

/** `12:03:04 worker     built phase=packing`. What is no JSON log is passed on as it is, under the program's name. */
export function renderLogLine(name: string, line: string, style: Style): string {
  const entry = parseEntry(line);
  const label = style('cyan', name.padEnd(NAME_WIDTH));
  if (entry === undefined) return `${label} ${line}`;
  const { message, severity, time, error } = entry;
  const text = severity in STYLES ? style(STYLES[severity as Styled], message) : message;
  const facts = Object.entries(entry)
    .filter(([key]) => !SHOWN.has(key))
    .map(([key, value]) => style('dim', `${key}=${shortForm(value)}`));
  const trouble = error === undefined ? [] : [style('red', describeError(error))];
  const clock = time === undefined ? [] : [style('dim', clockOf(time))];
  return [...clock, label, text, ...facts, ...trouble].join(' ');
}

function parseEntry(line: string): z.infer<typeof entrySchema> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return entrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** The time of day where the reader is. */
function clockOf(time: string): string {
  const moment = new Date(time);
  return Number.isNaN(moment.valueOf()) ? time : moment.toTimeString().slice(0, 8);
}

/** Digests and keys by their first 12 digits, as docker shows them: the raw log has them in full. */
function shortForm(value: unknown): string {
  const full = typeof value === 'string' ? value : JSON.stringify(value);
  const text = full.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1');
  return /[\s"]/.test(text) && typeof value === 'string' ? JSON.stringify(value) : text;
}

/** pino's form of an error has a message; the stack stays in the raw log. */
function describeError(error: unknown): string {
  const parsed = z.looseObject({ message: z.string() }).safeParse(error);
  return parsed.success ? parsed.data.message : shortForm(error);
}
