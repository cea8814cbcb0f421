// All promises, over all that was written down.
import type { Commit } from '../commits.ts';
import type { Noted } from '../history.ts';
import { AGES, PROMISED_MS } from '../settings.ts';
import type { State } from '../state.ts';
import { checkAnswers } from './answers.ts';
import { checkDigests } from './digests.ts';
import { checkLeases } from './leases.ts';
import { checkMemory } from './memory.ts';
import { orphansOf } from './orphans.ts';
import { checkPrograms } from './programs.ts';
import { checkPulls } from './pulls.ts';
import { checkReferences } from './references.ts';
import { checkStorage } from './storage.ts';
import type { Violation } from './violation.ts';

export interface Evidence {
  readonly history: readonly Noted[];
  readonly commits: readonly Commit[];
  /** When the last build had ended, and when what was left over should have gone. */
  readonly states: { readonly calm: State; readonly collected: State };
  /** Files that ended workers left. */
  readonly left: readonly string[];
  /** Whether all builds came to an end. */
  readonly isIdle: boolean;
}

export function judge({ history, commits, states, left, isIdle }: Evidence): Violation[] {
  return [
    ...checkPulls(history),
    ...checkDigests(history),
    ...checkAnswers(history, { promisedMs: PROMISED_MS }),
    ...checkLeases(commits),
    ...checkReferences(commits),
    ...checkStorage(states.calm),
    ...orphansOf(states.collected, AGES),
    ...left.map(file => ({ promise: 'workers leave nothing behind', what: file })),
    ...(isIdle ? [] : [{ promise: 'no build is left alone', what: 'some were still under way at the end' }]),
    ...checkMemory(history),
    ...checkPrograms(history),
  ];
}
