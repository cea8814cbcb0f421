// Settings that every deployable reads from its environment, and how a bad one is reported.
import { z } from 'zod';
import { ConfigurationError } from '../errors.ts';
import { sourceIn } from '../nixery-settings.ts';
import { inWords } from './setting-words.ts';

export const cloudSettings = {
  /** Google's own: the project that everything lies in. */
  GOOGLE_CLOUD_PROJECT: z.string().min(1),
  DERIVERY_DATABASE: z.string().min(1).default('(default)'),
  /** Topics that wake the workers: builds that someone waits for, and all others. */
  DERIVERY_BUILDS_TOPIC: z.string().min(1).default('builds'),
  DERIVERY_REFRESHES_TOPIC: z.string().min(1).default('refreshes'),
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting that `parse` reads; what it throws is what is wrong with it. */
export function parsedSetting<T>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  });
}

/**
 * Parses an environment, once, at the entry of a deployable. Throws a {@link ConfigurationError} of one line that
 * names every bad setting. A blank value counts as not set; Nixery's names of the package source are understood.
 */
export function readSettings<T extends z.ZodObject>(
  schema: T,
  environment: Environment,
): Readonly<z.infer<T>> {
  const given = withoutBlanks(environment);
  const source = sourceIn(given);
  const set = source === undefined ? given : { ...given, DERIVERY_SOURCE: source.source };
  const parsed = schema.safeParse(set, { error: inWords });
  if (parsed.success) return Object.freeze(parsed.data);
  const problems = parsed.error.issues.map(issue => {
    const name = issue.path.join('.');
    if (set[name] === undefined) {
      const what = schema.shape[name]?.description;
      return `${name} is not set${what === undefined ? '' : ` (${what})`}`;
    }
    const variable = name === 'DERIVERY_SOURCE' ? (source?.variable ?? name) : name;
    return `${variable}: ${issue.message}`;
  });
  // A value that is repeated may have line ends.
  throw new ConfigurationError(`configuration: ${problems.join('; ').replaceAll(/\s+/g, ' ')}`);
}

/** What is set in an environment: a blank value counts as not set. */
export function withoutBlanks(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim() !== ''));
}
