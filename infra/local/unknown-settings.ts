// Variables that look like settings and are none.
import { editDistance } from '#core/edit-distance.ts';
import { ConfigurationError } from '#core/errors.ts';
import type { Environment } from '#core/google/settings.ts';

/** Those of other programs of ours, which may be set where this one is started. */
const OTHERS = /^DERIVERY_(?:SMOKE|TEST)_/;

/** How much a name may differ from the one that was meant. */
const MISTYPED = 3;

/** Throws a {@link ConfigurationError} that names each variable which no program reads, and the one that may have been meant. */
export function refuseUnknownSettings(environment: Environment, known: readonly string[]): void {
  const unknown = Object.keys(environment).filter(
    name => name.startsWith('DERIVERY_') && !OTHERS.test(name) && !known.includes(name),
  );
  if (unknown.length === 0) return;
  const problems = unknown.map(name => {
    const [nearest] = known
      .map(meant => ({ meant, distance: editDistance(name, meant) }))
      .filter(({ distance }) => distance <= MISTYPED)
      .toSorted((a, b) => a.distance - b.distance);
    return `${name} is no setting${nearest === undefined ? '' : ` (${nearest.meant} is one)`}`;
  });
  throw new ConfigurationError(`configuration: ${problems.join('; ')}`);
}
