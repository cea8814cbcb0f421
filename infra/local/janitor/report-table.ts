// What the person who runs the janitor sees.
import type { SweepReport } from '#functions/janitor/collect.ts';
import type { Outcome } from '#functions/janitor/sweep.ts';

/** What each sweep goes through, for people. */
const SUBJECTS: Readonly<Record<string, string>> = {
  images: 'images unused for long',
  manifests: 'manifests unused for long',
  'manifest-blobs': 'manifests',
  objects: 'objects in the bucket',
  blobs: 'blobs not seen named for long',
  tombstones: 'blobs marked for long',
  condemned: 'blobs to be deleted',
  'layer facts': 'facts about layers',
  sources: 'sources not looked at for long',
  snapshots: 'snapshots',
};

const DEEDS: Readonly<Record<Outcome, string>> = {
  kept: 'kept',
  deleted: 'deleted',
  listed: 'given the list of their blobs',
  named: 'kept: a manifest names them',
  marked: 'marked for deletion',
  condemned: 'served no more',
  adopted: 'marked for deletion (no document told of them)',
  corrected: 'corrected',
  lost: 'lost: what named them is made again',
  unknown: 'of an unknown form, left alone',
  busy: 'in use just now, left for later',
  failed: 'failed; see above',
};

const STATES: Readonly<Partial<Record<SweepReport['state'], string>>> = {
  'in part': 'not all of it: the time was up',
  waiting: 'not begun: not every manifest is known by the blobs that it names',
  left: 'another janitor goes through it just now',
  failed: 'it failed; see above',
};

/** A line for each sweep: what it looked at, how much of it, and what became of it (or, in a dry run, would have). */
export function reportTable(reports: readonly SweepReport[], dryRun: boolean): string {
  const rows = reports.map(({ sweep, state, counts }) => {
    const deeds = Object.entries(counts).filter(([outcome]) => outcome !== 'kept');
    const told = deeds.map(([outcome, count]) => `${count} ${DEEDS[outcome as Outcome]}`);
    const remark = STATES[state];
    const seen = Object.values(counts).reduce((sum, count) => sum + count, 0);
    return [SUBJECTS[sweep] ?? sweep, String(seen), [...told, ...(remark ? [remark] : [])].join(', ') || '-'];
  });
  const head = ['looked at', 'of them', dryRun ? 'would be' : 'were'];
  const all = [head, ...rows];
  const [first = 0, second = 0] = [0, 1].map(at => Math.max(...all.map(row => row[at]?.length ?? 0)));
  return all
    .map(
      ([what = '', count = '', deeds = '']) => `${what.padEnd(first)}  ${count.padStart(second)}  ${deeds}\n`,
    )
    .join('');
}
