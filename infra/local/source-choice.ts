// Which package source a local system uses, and why.
import { access, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ConfigurationError, PermanentError, TransientError } from '#core/errors.ts';
import { HEAD_REF } from '#core/git-ref.ts';
import { formatPackageSource, type PackageSource } from '#core/package-source.ts';
import { parseSourceAtRef, type SourceAtRef } from '#core/source-at-ref.ts';
import { openGit } from '#worker/source/git.ts';
import { resolveGitRef } from '#worker/source/git-refs.ts';

/** The channel that `auto` takes. */
export const DEFAULT_CHANNEL = 'nixos-26.05';

/** The oldest Nix that evaluates this channel: `lib/minver.nix` of nixpkgs. */
const OLDEST_NIX = [2, 18] as const;

/** How long the channel's servers may take to answer, in milliseconds. */
const PATIENCE = 2000;

export interface WantedSource extends SourceAtRef {
  /** As DERIVERY_SOURCE has it. */
  readonly setting: string;
}

export interface ChosenSource extends WantedSource {
  /** One clause for people. */
  readonly reason: string;
}

export interface Surroundings {
  /** The version of the Nix at hand, `2.8.0`. */
  readonly nixVersion: () => Promise<string>;
  /** Where channels are served. */
  readonly channels?: string | undefined;
  readonly patience?: number;
}

/**
 * Parses what was asked for, without looking around: `undefined` for `auto`. A path may be relative. Throws a
 * ConfigurationError for what is no package source, and for a folder that is no package set.
 */
export async function parseWantedSource(wanted: string): Promise<WantedSource | undefined> {
  if (wanted === 'auto') return undefined;
  const path = /^path:(?<folder>.+)$/s.exec(wanted)?.groups?.['folder'];
  if (path !== undefined) return whole({ kind: 'path', folder: await packageSetFolder(path) });
  try {
    return { ...parseSourceAtRef(wanted), setting: wanted };
  } catch (error) {
    if (error instanceof ConfigurationError) throw new ConfigurationError(`${error.message}; or auto.`);
    throw error;
  }
}

/**
 * Chooses for `auto` (undefined); what was asked for stays what it is. Throws a ConfigurationError where that does not
 * exist. A server that cannot be reached now is told, and no reason not to start: what was built before is served.
 */
export async function chooseSource(
  wanted: WantedSource | undefined,
  surroundings: Surroundings,
): Promise<ChosenSource> {
  if (wanted !== undefined) {
    const doubt = await doubtOf(wanted, surroundings);
    return { ...wanted, reason: doubt === undefined ? 'as asked for' : `as asked for, though ${doubt}` };
  }
  const version = await surroundings.nixVersion();
  if (!isRecent(version)) {
    const reason = `nixpkgs needs Nix ${OLDEST_NIX.join('.')} or newer, and this is ${version}`;
    return { ...whole({ kind: 'debian' }), reason };
  }
  const unreachable = await whyUnreachable(DEFAULT_CHANNEL, surroundings);
  if (unreachable !== undefined) {
    return { ...whole({ kind: 'debian' }), reason: `nixpkgs' channel cannot be reached: ${unreachable}` };
  }
  return {
    ...whole({ kind: 'channel', name: DEFAULT_CHANNEL }),
    reason: `its servers can be reached, and Nix ${version} is new enough`,
  };
}

/** A source that is taken as it stands. */
function whole(source: PackageSource): WantedSource {
  return { source, ref: HEAD_REF, setting: formatPackageSource(source) };
}

async function packageSetFolder(path: string): Promise<string> {
  const folder = resolve(path);
  try {
    await access(join(folder, 'default.nix'));
    return await realpath(folder);
  } catch {
    throw new ConfigurationError(`The package source ${folder} is not a folder with a default.nix in it.`);
  }
}

/** What stands against a source at the moment, in a clause. Throws a ConfigurationError where it is none at all. */
async function doubtOf(
  { source, ref }: SourceAtRef,
  surroundings: Surroundings,
): Promise<string | undefined> {
  if (source.kind === 'channel') {
    if (COMMIT.test(source.name)) return undefined;
    const unreachable = await whyUnreachable(source.name, surroundings);
    if (unreachable?.includes(' answers 404 ')) {
      throw new ConfigurationError(`There is no channel ${source.name}: ${unreachable}.`);
    }
    return unreachable;
  }
  if (source.kind !== 'git') return undefined;
  try {
    const git = openGit({ patienceMs: GIT_PATIENCE });
    await resolveGitRef(git, source.url, ref, new AbortController().signal);
    return undefined;
  } catch (error) {
    if (error instanceof TransientError) return error.message;
    if (!(error instanceof PermanentError)) throw error;
    throw new ConfigurationError(
      `${formatPackageSource(source)} cannot be a package source: ${error.message}.`,
    );
  }
}

const COMMIT = /^[0-9a-f]{40}$/;

/** How long a git server may say nothing, in milliseconds. */
const GIT_PATIENCE = 20_000;

/** Undefined where the channel answers in time. */
async function whyUnreachable(
  channel: string,
  { channels = 'https://channels.nixos.org', patience = PATIENCE }: Surroundings,
): Promise<string | undefined> {
  const { host } = new URL(channels);
  try {
    const answer = await fetch(`${channels}/${channel}/git-revision`, {
      method: 'HEAD',
      signal: AbortSignal.timeout(patience),
    });
    return answer.ok ? undefined : `${host} answers ${answer.status} for ${channel}`;
  } catch (error) {
    const { name, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    return name === 'TimeoutError'
      ? `${host} does not answer within ${patience / 1000} s`
      : `no connection to ${host} (${cause?.code ?? (error as Error).message})`;
  }
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NIX;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}
