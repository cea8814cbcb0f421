// What the person who runs `npm run smoke` sees.
import { styleText } from 'node:util';
import { printable } from '#core/printable.ts';
import type { Finding } from './check.ts';

const MARKS = {
  passed: ['green', '✓'],
  failed: ['red', '✗'],
  skipped: ['dim', '–'],
} as const;

/** A line for a check, whatever whoever answered put into it, and one more for what to do where it failed; with colours on a terminal. */
export function findingLines(finding: Finding, output: NodeJS.WritableStream): string {
  const [color, mark] = MARKS[finding.outcome];
  const line = `${styleText(color, mark, { stream: output })} ${finding.name}: ${printable(finding.says).replaceAll('\n', ' ')}`;
  return finding.outcome === 'failed' ? `${line}\n    ${finding.advice}` : line;
}

/** The end of the report. */
export function summary(host: string, findings: readonly Finding[]): string {
  const count = (outcome: Finding['outcome']): number =>
    findings.filter(finding => finding.outcome === outcome).length;
  return `${host}: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} not looked at`;
}
