// Where the outputs of many packages would be in the store, without writing, fetching or building anything.
import { PermanentError } from '#core/errors.ts';
import type { StorePath } from '#core/store-path.ts';
import type { Nix } from './nix.ts';
import { locateSchema } from './resolve-answer.ts';
import { evaluate, type EvaluationRequest } from './resolve-evaluation.ts';

export type LocateRequest = Omit<EvaluationRequest, 'mode'>;

export interface Located {
  /** By name. Names that are no packages, or ones that the package set refuses, are not here. */
  readonly paths: ReadonlyMap<string, StorePath>;
  /** What was not found out, since these names, or others that were asked for together with them, end an evaluation. */
  readonly leftOut: readonly string[];
}

/** Evaluations for one question: with so many, four names that end theirs are found among three hundred. */
const EVALUATIONS = 40;

/** What one counts for that is stopped at its limits, of time or memory: those take long. */
const STOPPED_COUNTS_FOR = 10;

/**
 * One evaluation for all names; where a name ends it, which Nix cannot catch in all cases, the names are asked for in halves,
 * and so on. Throws a TransientError where something that the source pins cannot be had now.
 */
export async function locate(
  nix: Nix,
  request: LocateRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<Located> {
  const paths = new Map<string, StorePath>();
  const leftOut: string[] = [];
  let left = EVALUATIONS;
  // Grows while it is walked: breadth first, so that what is left out in the end is in small parts.
  const parts: (readonly string[])[] = request.packages.length === 0 ? [] : [request.packages];
  for (const packages of parts) {
    const asked = left > 0 ? await locateTogether(nix, { ...request, packages }, signal) : 'not asked';
    left -= asked === 'stopped' ? STOPPED_COUNTS_FOR : 1;
    if (typeof asked === 'object') {
      for (const { name, path } of asked) if (path !== null) paths.set(name, path);
    } else if (packages.length > 1 && asked !== 'not asked') {
      const middle = packages.length >> 1;
      parts.push(packages.slice(0, middle), packages.slice(middle));
    } else {
      leftOut.push(...packages);
    }
  }
  return { paths, leftOut };
}

type Answered = readonly { readonly name: string; readonly path: StorePath | null }[];

async function locateTogether(
  nix: Nix,
  request: LocateRequest,
  signal: AbortSignal,
): Promise<Answered | 'failed' | 'stopped'> {
  try {
    const located = await evaluate(nix, { ...request, mode: 'locate' }, locateSchema, signal);
    return located.succeeded ? located.answer.items : 'failed';
  } catch (error) {
    if (error instanceof PermanentError) return 'stopped';
    throw error;
  }
}
