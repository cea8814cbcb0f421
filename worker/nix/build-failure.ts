// Why a realisation failed: whose builder, with what in its log; or something that another try may get past.
import { stripVTControlCharacters } from 'node:util';
import { PermanentError, TransientError } from '#core/errors.ts';
import { derivationName, endOfLog } from './builder-log.ts';
import {
  errorLines,
  errorMessage,
  machineTrouble,
  tellsOfMachine,
  tellsOfMemory,
  tellsOfNetwork,
} from './nix-message.ts';
import type { Nix } from './nix.ts';
import type { Realisable } from './realisable.ts';
import { runNix } from './run-nix.ts';

interface FailedBuild {
  readonly drv: string;
  /** "failed with exit code 3". */
  readonly reason: string;
}

interface FailedRealisation {
  readonly stderr: string;
  /** Whether the store was collected meanwhile. */
  readonly wasCollected: boolean;
}

/** The error for a `nix-store --realise` that ended so. */
export async function buildFailure(
  nix: Nix,
  items: readonly Realisable[],
  { stderr, wasCollected }: FailedRealisation,
  signal: AbortSignal,
): Promise<PermanentError | TransientError> {
  const [failed] = failedBuilds(stderr);
  if (failed === undefined) return withoutBuilder(nix, items, stderr, signal);
  const log = await endOfLog(nix, failed.drv, signal);
  const atLimit = nix.memoryMb !== undefined && tellsOfMemory(log);
  const passing = atLimit
    ? undefined
    : wasCollected && mayMissPaths(failed)
      ? `${failed.reason}, and the store was collected meanwhile`
      : await passingTrouble(nix, failed, errorLines(stderr), log, signal);
  if (passing !== undefined) {
    return new TransientError(`The build of ${derivationName(failed.drv)} was interrupted: ${passing}`);
  }
  // The machine's own memory ends by the kernel's signal 9: what says that it got none has met its limit, and would again.
  const hint = atLimit ? ` Its log tells of memory: each process may have ${nix.memoryMb} MiB here.` : '';
  const message = describe(await missingOf(nix, items, signal), failed) + hint;
  return new PermanentError({ kind: 'build_failed', message, log });
}

/**
 * Whether a builder may have failed for want of what was there when it began. Nix keeps from its collection what it needs to
 * build and what it makes; but it was seen that an output in the making was gone all the same (the soak, with Nix 2.8). To
 * builders that fail by themselves this costs another try.
 */
function mayMissPaths({ reason }: FailedBuild): boolean {
  return /^failed (?:to produce|with exit code)/.test(reason);
}

/** Lines at the end of a log where a builder says what ended it. */
const LAST_LINES = 5;

/**
 * Why a builder failed, where another try may get past that. Its log is anybody's text: a test that speaks of connections has
 * failed all the same. Only a builder that fetches may fail by the network, and only a full disk or memory by the machine.
 * A builder that says so at its end of a disk of its own making is taken at its word: that costs some tries, while the
 * other mistake would be a wrong answer to whoever pulls.
 */
async function passingTrouble(
  nix: Nix,
  { drv, reason }: FailedBuild,
  errors: string,
  log: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const end = log.split('\n').slice(-LAST_LINES).join('\n');
  if (tellsOfMachine(reason)) return reason;
  const trouble = machineTrouble(errors) ?? machineTrouble(end);
  if (trouble !== undefined) return `${reason}: ${trouble}`;
  return tellsOfNetwork(end) && (await fetches(nix, drv, signal)) ? reason : undefined;
}

/** Whether a derivation's output is known by its hash: those have the network. */
async function fetches(nix: Nix, drv: string, signal: AbortSignal): Promise<boolean> {
  const { succeeded, stdout } = await runNix(nix, 'nix-store', ['--query', '--binding', 'outputHash', drv], {
    signal,
  });
  return succeeded && stdout.trim() !== '';
}

/** What each version of Nix says of a builder that failed; not of what was given up because of it. */
const FAILURES = [
  /builder for '(?<drv>[^']+\.drv)' (?<reason>failed [^\n;]*)/g,
  /building of '(?<drv>[^']+\.drv)' (?<reason>timed out[^\n;]*)/g,
  /(?<reason>hash mismatch) in fixed-output derivation '(?<drv>[^']+\.drv)'/g,
  /Cannot build '(?<drv>[^']+\.drv)'\.\s+Reason: builder (?<reason>failed [^\n]*)/g,
];

function failedBuilds(stderr: string): FailedBuild[] {
  const text = stripVTControlCharacters(stderr);
  return FAILURES.flatMap(pattern => [...text.matchAll(pattern)]).flatMap(({ groups }) => {
    const { drv, reason } = groups ?? {};
    if (drv === undefined || reason === undefined) return [];
    // Where on this worker is nobody's business.
    return [{ drv, reason: reason.replace(/ at '.*'/, '').replace(/[.:\s]+$/, '') }];
  });
}

/** What older and newer versions of Nix say where there is no builder of the kind that a derivation names. */
const NO_BUILDER = [
  /a '(?<system>[^']+)' with features \{(?<features>[^}]*)\} is required to build /,
  /Required system: '(?<system>[^']+)' with features \{(?<features>[^}]*)\}/,
];

/** Nix's own refusal is an answer (another platform's derivation without a builder for it); all else may pass. */
async function withoutBuilder(
  nix: Nix,
  items: readonly Realisable[],
  stderr: string,
  signal: AbortSignal,
): Promise<PermanentError | TransientError> {
  const text = stripVTControlCharacters(stderr);
  const { groups } = NO_BUILDER.map(pattern => pattern.exec(text)).find(match => match !== null) ?? {};
  if (groups === undefined) {
    return new TransientError(`Nix could not realise the packages: ${errorMessage(stderr)}`);
  }
  const missing = (await missingOf(nix, items, signal)).map(({ name }) => `"${name}"`).join(', ');
  const features = groups['features'] ? ` with ${groups['features']}` : '';
  return new PermanentError({
    kind: 'build_failed',
    message: `${missing || 'It'} cannot be built here: needs a builder for ${groups['system']}${features}.`,
  });
}

/** The items that are not there, because of the failure. */
async function missingOf(nix: Nix, items: readonly Realisable[], signal: AbortSignal): Promise<Realisable[]> {
  const paths = [...new Set(items.map(({ path }) => path))];
  const args = ['--check-validity', '--print-invalid', ...paths];
  const { stdout } = await runNix(nix, 'nix-store', args, { signal });
  const invalid = new Set(stdout.split('\n'));
  return items.filter(({ path }) => invalid.has(path));
}

function describe(missing: readonly Realisable[], { drv, reason }: FailedBuild): string {
  if (missing.length === 0) return `The builder of ${derivationName(drv)} ${reason}.`;
  const culprit = missing.find(item => item.drv === drv);
  if (culprit !== undefined) return `"${culprit.name}" cannot be built: its builder ${reason}.`;
  const names = missing.map(({ name }) => `"${name}"`).join(', ');
  return `${names} cannot be built: the builder of ${derivationName(drv)}, which it needs, ${reason}.`;
}
