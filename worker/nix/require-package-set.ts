// Telling an error of one package from a source that has none at all.
import { PermanentError, TransientError } from '#core/errors.ts';
import type { Nix } from './nix.ts';
import { answerSchema } from './resolve-answer.ts';
import { evaluate, type EvaluationRequest } from './resolve-evaluation.ts';
import { runNix } from './run-nix.ts';

/**
 * Throws a {@link PermanentError} where the source cannot be evaluated although nothing is asked of it, and a
 * {@link TransientError} where it is no longer in the store.
 */
export async function requirePackageSet(
  nix: Nix,
  request: Omit<EvaluationRequest, 'mode'>,
  signal: AbortSignal,
): Promise<void> {
  const nothing = { ...request, packages: [], mode: 'resolve' } as const;
  const empty = await evaluate(nix, nothing, answerSchema, signal);
  if (empty.succeeded) return;
  const { path } = request.source;
  const there = await runNix(nix, 'nix-store', ['--check-validity', path], { signal });
  if (!there.succeeded) throw new TransientError(`the package source is no longer in the store (${path})`);
  throw new PermanentError({
    kind: 'unknown_source',
    message: `The package source cannot be evaluated: ${empty.message}`,
  });
}
