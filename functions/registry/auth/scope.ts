// What a token is asked for, and what it is given for: `repository:<name>:pull` (distribution, "Token Scope Documentation").
import { RegistryError } from '#core/errors.ts';
import { repositoryNameSchema, type RepositoryName } from '#core/reference.ts';

const SCOPE = /^repository(?:\([a-z]+\))?:(?<name>[^:]+):(?<actions>[a-z*,]+)$/;

/** A token has to fit into a header with room for others. */
const LIMIT = 16;

/**
 * The repositories that may be pulled of those that are asked for. What there is not here (pushing, a catalog) is left out, as
 * the specification wants it. Throws a RegistryError where there are too many.
 */
export function parseScopes(scopes: readonly string[]): RepositoryName[] {
  const names = new Set<RepositoryName>();
  for (const scope of scopes.flatMap(each => each.split(' '))) {
    const { name, actions = '' } = SCOPE.exec(scope)?.groups ?? {};
    const repository = repositoryNameSchema.safeParse(name);
    const isPull = actions.split(',').some(action => action === 'pull' || action === '*');
    if (repository.success && isPull) names.add(repository.data);
  }
  if (names.size > LIMIT) {
    throw new RegistryError(400, 'UNSUPPORTED', `a token is for ${LIMIT} repositories at most`);
  }
  return [...names];
}

export function pullScope(repository: RepositoryName): string {
  return `repository:${repository}:pull`;
}
