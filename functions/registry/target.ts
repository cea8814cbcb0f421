// The target of a request, in the one form that everything here reads.

const ORIGIN = /^https?:\/\/[^/?#]*/i;

/**
 * A request's target as path and query. Clients may write a whole address instead, as to a proxy (RFC 9112, section 3.2.2: a
 * server has to take it); which host it names makes no difference here.
 */
export function originForm(target: string): string {
  const rest = target.replace(ORIGIN, '');
  return rest === target || rest.startsWith('/') ? rest : `/${rest}`;
}

/** The parameters of a target's query. */
export function queryOf(target: string): URLSearchParams {
  const at = target.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : target.slice(at + 1));
}
