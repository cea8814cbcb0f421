// ifGenerationMatch and its kin (https://cloud.google.com/storage/docs/request-preconditions).
import { conditionNotMet, invalid } from './errors.ts';

/** What a request demands of the object that is there; generation 0 stands for none. */
export interface Preconditions {
  readonly generationMatch?: string;
  readonly generationNotMatch?: string;
  readonly metagenerationMatch?: string;
  readonly metagenerationNotMatch?: string;
}

/** The query parameters that {@link parsePreconditions} reads. */
export const PRECONDITION_PARAMETERS = [
  'ifGenerationMatch',
  'ifGenerationNotMatch',
  'ifMetagenerationMatch',
  'ifMetagenerationNotMatch',
] as const;

export function parsePreconditions(query: URLSearchParams): Preconditions {
  const number = (name: (typeof PRECONDITION_PARAMETERS)[number]) => {
    const text = query.get(name);
    if (text !== null && !/^\d+$/.test(text)) throw invalid(`Invalid value for ${name}: ${text}`);
    return text === null ? undefined : BigInt(text).toString();
  };
  const found = {
    generationMatch: number('ifGenerationMatch'),
    generationNotMatch: number('ifGenerationNotMatch'),
    metagenerationMatch: number('ifMetagenerationMatch'),
    metagenerationNotMatch: number('ifMetagenerationNotMatch'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/**
 * Throws where `present` is not what was demanded: 412, or 304 for a read that wanted something else than what is
 * there.
 */
export function checkPreconditions(
  wanted: Preconditions,
  present: { readonly generation: string; readonly metageneration: number } | undefined,
  access: 'read' | 'write',
): void {
  const generation = present?.generation ?? '0';
  const metageneration = String(present?.metageneration ?? 0);
  const differs = (value: string | undefined, actual: string) => value !== undefined && value !== actual;
  if (differs(wanted.generationMatch, generation) || differs(wanted.metagenerationMatch, metageneration)) {
    throw conditionNotMet(412);
  }
  if (wanted.generationNotMatch === generation || wanted.metagenerationNotMatch === metageneration) {
    throw conditionNotMet(access === 'read' ? 304 : 412);
  }
}
