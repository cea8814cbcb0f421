import type { Failure } from '#core/failure.ts';
import type { Follow, PullDecision } from '#core/pull-decision.ts';

/** A decision, as far as what matters to the one who pulls. */
export type Answer =
  | { readonly kind: 'ready'; readonly digest: string; readonly follow: Follow }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly follow: Follow }
  | { readonly kind: 'pending'; readonly raise: boolean }
  | { readonly kind: 'unasked' };

export function summarise(decision: PullDecision): Answer {
  switch (decision.kind) {
    case 'ready':
      return { kind: 'ready', digest: decision.image.digest, follow: decision.follow };
    case 'failed':
      return { kind: 'failed', failure: decision.build.failure, follow: decision.follow };
    case 'pending':
      return { kind: 'pending', raise: decision.raise };
    case 'unasked':
      return decision;
  }
}
