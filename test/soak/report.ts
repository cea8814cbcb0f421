// What a soak prints at its end: counts of all that happened, and every promise that was broken.
import { formatTable } from '#test/bench/table.ts';
import type { Commit } from './commits.ts';
import type { Noted } from './history.ts';
import { growths } from './promises/memory.ts';
import type { Violation } from './promises/violation.ts';
import type { State } from './state.ts';

/** Broken promises of one kind that are printed. */
const PRINTED = 20;

export function reportOf(
  history: readonly Noted[],
  commits: readonly Commit[],
  state: State,
  violations: readonly Violation[],
): string {
  const pulls = history.filter(record => record.kind === 'pull');
  const requests = history.filter(record => record.kind === 'request');
  const faults = history.filter(record => record.kind === 'fault');
  const ended = history.filter(record => record.kind === 'program' && record.event === 'ended');
  const moves = history.filter(record => record.kind === 'version').length - 1;
  const rows: string[][] = [
    ...counted('pulls', pulls, ({ client, outcome }) => `${client}, ${outcome.kind}`),
    ...counted('answers', requests, ({ to, what, status }) => `${to}, ${what}, ${status || 'cut'}`),
    ...counted('faults', faults, ({ fault, target }) => `${fault}, ${target}`),
    ...counted('programs ended', ended, record => (record.kind === 'program' ? record.program : '')),
    ...counted('documents written', writesOf(commits), kind => kind),
    ['versions of the package set', '', String(moves)],
    ['objects at the end', '', String(state.objects.length)],
    ['bytes at the end', '', String(state.objects.reduce((sum, { size }) => sum + size, 0))],
    ...growths(history).map(({ program, pid, early, late }) => [
      'memory, early and late',
      `${program} (${pid})`,
      `${early} MiB, ${late} MiB`,
    ]),
  ];
  return [formatTable(['what', 'of', 'count'], rows, 2), ...broken(violations)].join('\n');
}

function counted<T>(what: string, records: readonly T[], kindOf: (record: T) => string): string[][] {
  const kinds = Map.groupBy(records, kindOf);
  return [...kinds]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([kind, of]) => [what, kind, String(of.length)]);
}

function writesOf(commits: readonly Commit[]): string[] {
  const seen = new Set<string>();
  return commits.flatMap(({ writes }) =>
    writes.map(({ collection, id, data }) => {
      const path = `${collection}/${id}`;
      if (data === undefined) {
        seen.delete(path);
        return `${collection}, deleted`;
      }
      if (seen.has(path)) return `${collection}, changed`;
      seen.add(path);
      return `${collection}, created`;
    }),
  );
}

function broken(violations: readonly Violation[]): string[] {
  if (violations.length === 0) return ['', 'Every promise was kept.'];
  const kinds = Map.groupBy(violations, ({ promise }) => promise);
  return [...kinds].flatMap(([promise, of]) => [
    '',
    `BROKEN, ${of.length} times: ${promise}`,
    ...of.slice(0, PRINTED).map(({ what, at }) => `  ${at === undefined ? '' : `${at}: `}${what}`),
    ...(of.length > PRINTED ? [`  and ${of.length - PRINTED} more`] : []),
  ]);
}
