// Nixery's names of the package source: who moves from there need not rename what they have set.

/** In the order in which Nixery looks at them (its `config/pkgsource.go`), and the kind of source that each stands for. */
const NIXERY_SOURCES = [
  ['NIXERY_CHANNEL', 'channel'],
  ['NIXERY_PKGS_REPO', 'git'],
  ['NIXERY_PKGS_PATH', 'path'],
] as const;

export interface NamedSource {
  /** The variable that it was read from. */
  readonly variable: string;
  /** As DERIVERY_SOURCE has it. */
  readonly source: string;
}

/** The package source that is set: by DERIVERY_SOURCE, else by the first of Nixery's variables. */
export function sourceIn(environment: Readonly<Record<string, string | undefined>>): NamedSource | undefined {
  const own = environment['DERIVERY_SOURCE'];
  if (own !== undefined) return { variable: 'DERIVERY_SOURCE', source: own };
  for (const [variable, kind] of NIXERY_SOURCES) {
    const value = environment[variable];
    if (value !== undefined) return { variable, source: `${kind}:${value}` };
  }
  return undefined;
}
