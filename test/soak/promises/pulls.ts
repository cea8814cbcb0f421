// Every pull ended with the right image, or with the true reason why there is none.
import type { Noted, PullOutcome, PullRecord } from '../history.ts';
import { expectationOf } from '../packages.ts';
import { inHistory, type Violation } from './violation.ts';

type NotedPull = Extract<Noted, PullRecord>;

/**
 * What the registry says of a build whose workers vanished or met faults each time: true, while there are faults. Container
 * tools have words of their own before it.
 */
const GAVE_UP = /\bgave up after 5 attempts: /;

/** Whether a pull was told that its build had been given up: the answer for a while, also when nothing is broken any more. */
export function wasGivenUp(outcome: PullOutcome): boolean {
  return outcome.kind === 'refused' && GAVE_UP.test(outcome.message);
}

/** Ends that nobody should see. */
export function checkPulls(history: readonly Noted[]): Violation[] {
  const versions = history.filter(record => record.kind === 'version');
  const versionOf = new Map(versions.map(({ revision, version }) => [revision, version]));
  const wrong = (pull: NotedPull): string | undefined => {
    const { outcome, name, reference } = pull;
    switch (outcome.kind) {
      case 'image': {
        const version = versionOf.get(outcome.revision);
        if (version === undefined) return `an image of a revision that there never was, ${outcome.revision}`;
        if (versionOf.has(reference) && versionOf.get(reference) !== version)
          return `an image of version ${version} for the tag ${reference}`;
        return wrongImage(name, version, outcome.contents);
      }
      case 'refused': {
        const until = versions.filter(({ at }) => at <= pull.at).map(({ version }) => version);
        const pinned = versionOf.get(reference);
        if (wasGivenUp(outcome) && !pull.atRest) return undefined;
        return wrongReason(name, pinned === undefined ? until : [pinned], outcome);
      }
      case 'forgotten':
        return undefined;
      case 'wrong':
        return outcome.why;
      case 'unfinished':
        return `it did not end: ${outcome.why}`;
    }
  };
  return history
    .filter(record => record.kind === 'pull')
    .flatMap(pull => {
      const what = wrong(pull);
      if (what === undefined) return [];
      const of = `pull ${pull.pull} of ${pull.name}:${pull.reference} by ${pull.client}`;
      return [
        { promise: 'the right image, or the true reason', what: `${of}: ${what}`, at: inHistory(pull.line) },
      ];
    });
}

function wrongImage(
  name: string,
  version: number,
  contents: Readonly<Record<string, string>> | undefined,
): string | undefined {
  const expected = expectationOf(name, version);
  if (expected.kind === 'refused') return `an image of version ${version}, which has none`;
  if (contents === undefined) return undefined;
  const shown = JSON.stringify(sorted(contents));
  const wanted = JSON.stringify(sorted(expected.contents));
  return shown === wanted ? undefined : `at version ${version} it has ${shown}, and should have ${wanted}`;
}

function wrongReason(
  name: string,
  versions: readonly number[],
  { status, message }: { readonly status: number; readonly message: string },
): string | undefined {
  const isTrue = versions.some(version => {
    const expected = expectationOf(name, version);
    // A container tool shows the text, and not the status.
    return (
      expected.kind === 'refused' &&
      (status === expected.status || status === 0) &&
      message.includes(expected.says)
    );
  });
  return isTrue ? undefined : `${status} "${message}"`;
}

function sorted(contents: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(contents).toSorted(([one], [other]) => (one < other ? -1 : 1));
}
