// Nixery's names of the package source: who moves from there need not rename what they have set.

/** In the order in which Nixery looks at them (its `config/pkgsource.go`), and the kind of source that each stands for. */
const NIXERY_SOURCES = [
  ['NIXERY_CHANNEL', 'channel'],
  ['NIXERY_PKGS_REPO', 'git'],
  ['NIXERY_PKGS_PATH', 'path'],
] as const;

/** An environment with DERIVERY_SOURCE set from Nixery's variables, unless it is set itself. */
export function withNixerySettings(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  if (environment['DERIVERY_SOURCE'] !== undefined) return { ...environment };
  for (const [name, kind] of NIXERY_SOURCES) {
    const value = environment[name];
    if (value !== undefined) return { ...environment, DERIVERY_SOURCE: `${kind}:${value}` };
  }
  return { ...environment };
}
