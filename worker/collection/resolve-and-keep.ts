// Evaluations whose derivations stay until they are realised.
import { TransientError } from '#core/errors.ts';
import type { Nix } from '../nix/nix.ts';
import { resolve, type ResolvedItem, type ResolveRequest } from '../nix/resolve.ts';
import type { BuildRoots } from './build-roots.ts';

/**
 * Resolves names, and keeps the derivations for a build. No collection begins between the one and the other where this
 * process can hold it off; where a daemon collects it may, and then another try gets past it: a {@link TransientError}.
 * Throws as {@link resolve} does.
 */
export async function resolveAndKeep(
  nix: Nix,
  roots: BuildRoots,
  request: ResolveRequest,
  options: { readonly signal: AbortSignal },
): Promise<ResolvedItem[]> {
  using _ = await roots.holdOff();
  const items = await resolve(nix, request, options);
  const derivations = items.flatMap(item => (item.kind === 'found' ? item.drv : []));
  if (await roots.keep(derivations, options.signal)) return items;
  throw new TransientError('derivations were collected before they could be realised');
}
