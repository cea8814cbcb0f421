// Why an image cannot be had: the permanent outcome of a build, kept in its document and told to whoever pulls.
import { z } from 'zod';
import { RegistryError } from './errors.ts';

/** How long the end of a build's log may be that is kept with the failure, in characters. */
export const LOG_LIMIT = 4000;

/** And how long the one that can be read on a page of its own. */
export const LONG_LOG_LIMIT = 65_536;

export const failureSchema = z.object({
  kind: z.enum([
    /** A name that the package set does not have (or that names several). */
    'unknown_package',
    /** The package set has it and says no: unfree, broken, insecure, another platform, not a package, an evaluation error. */
    'refused',
    /** A derivation whose builder failed. */
    'build_failed',
    /** What this deployment's limits do not allow: more bytes. */
    'over_limit',
    /** The source (channel, repository, ref) does not exist. */
    'unknown_source',
    /** Every try ended without an outcome: the network, a full disk, workers that vanished. */
    'gave_up',
  ]),
  /** What the person at the terminal reads: one or more sentences, names included. */
  message: z.string(),
  /** The end of the build's log. */
  log: z.string().max(LOG_LIMIT).optional(),
  /** Under which more of the log can be read. */
  logId: z.string().optional(),
});

export type Failure = z.infer<typeof failureSchema>;

/**
 * The answer for a failed image. What does not exist is 404; what exists and failed is 403 with MANIFEST_UNKNOWN,
 * the one combination whose message most clients print: docker, podman and skopeo show it, 5xx hides it everywhere.
 * `logAddress`: where more of the log can be read.
 */
export function failureAnswer(failure: Failure, logAddress?: string): RegistryError {
  const exists = failure.kind !== 'unknown_package' && failure.kind !== 'unknown_source';
  return new RegistryError(
    exists ? 403 : 404,
    'MANIFEST_UNKNOWN',
    `${failure.message}${logForTerminal(failure.log)}${logAddress === undefined ? '' : `\nMore of it: ${logAddress}`}`,
    {},
    logAddress,
  );
}

/** Lines of a log that a terminal is given: where the reason stands, most of the time. */
const TERMINAL_LINES = 20;

function logForTerminal(log: string | undefined): string {
  if (log === undefined || log.trim() === '') return '';
  return `\nThe end of its log:\n${log.trimEnd().split('\n').slice(-TERMINAL_LINES).join('\n')}`;
}
