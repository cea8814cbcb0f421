// What Nix says on stderr, for people and for decisions. Its words differ between versions; these forms hold from 2.8
// (message first, then positions) to 2.34 (trace first, message last and indented).
import { stripVTControlCharacters } from 'node:util';

/** The error's message without trace, positions and hints: what follows the last "error:". */
export function errorMessage(stderr: string): string {
  const text = stripVTControlCharacters(stderr);
  const last = text.split(/^\s*error: /m).at(-1) ?? text;
  const message = last.split(/\n\s*(?:at \S.*:\d+:\d+:|\(use '--show-trace'|For full logs, run)/)[0] ?? last;
  return message
    .replace(/ \(use '?--impure'? to override\)/, '')
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .join('\n');
}

const PURE_MODE =
  /\bin (?:pure|restricted) (?:eval(?:uation)? )?mode\b|^attribute 'current(?:System|Time)' missing|^cannot call 'getFlake' on unlocked/;

/** How what a package set pins is fetched. */
export const WITHOUT_LOGIN = "that is fetched by HTTP or HTTPS, without the worker's credentials";

/** The message of an evaluation, with the reason where pure mode is why. Nix does not say what that is. */
export function explainPureMode(message: string): string {
  if (!PURE_MODE.test(message)) return message;
  return `${message} (an evaluation here sees nothing of the machine, and of the network only what is pinned by a hash or a commit; ${WITHOUT_LOGIN})`;
}

/** nixpkgs' advice to someone who evaluates it themselves (pkgs/stdenv/generic/check-meta.nix). */
const ADVICE = /\n(?:a\) (?:To temporarily allow|For `nixos-rebuild`)|You can install it anyway)/;

/** Why nixpkgs refuses a package, without how to make it: whoever pulls an image cannot. */
export function withoutAdvice(message: string): string {
  return message.split(ADVICE)[0] ?? message;
}

const NETWORK =
  /unable to download|Could(?:n't| not) resolve host|Temporary failure in name resolution|Connection (?:refused|reset|timed out)|Network is unreachable|Operation timed out/i;

/** The kernel's words, and SQLite's, which Nix's database is. */
const FULL_DISK = /No space left on device|Disk quota exceeded|database or disk is full/i;

/** Whether the text tells of a disk that has no room. */
export function tellsOfFullDisk(text: string): boolean {
  return FULL_DISK.test(text);
}

const MACHINE =
  /No space left on device|Disk quota exceeded|database or disk is full|disk I\/O error|Cannot allocate memory|out of memory|Resource temporarily unavailable|Too many open files|unable to (?:start any build|fork)|database is (?:busy|locked)|cannot connect to (?:daemon|socket)|interrupted by the user|failed due to signal (?:9|15)\b/i;

/** Whether the text tells of the network's trouble. */
export function tellsOfNetwork(text: string): boolean {
  return NETWORK.test(text);
}

/** Whether the text tells of trouble of this machine that another try may get past: disk, memory, a kill. */
export function tellsOfMachine(text: string): boolean {
  return machineTrouble(text) !== undefined;
}

/** The words that tell so. */
export function machineTrouble(text: string): string | undefined {
  return MACHINE.exec(text)?.[0];
}

/** What Nix says went wrong, without its warnings: a cache that could not be asked is no reason why a build failed. */
export function errorLines(stderr: string): string {
  return stripVTControlCharacters(stderr)
    .split('\n')
    .filter(line => /^\s*error:/.test(line))
    .join('\n');
}

/** How Nix itself begins where it could not get at a source or its store. A package's own text may say anything. */
const FETCHING =
  /^(?:unable to download|program 'git' failed|(?:cannot|while) fetch|Failed to (?:open|fetch)|writing to file|database .* is (?:busy|locked)|executing SQLite .*: disk I\/O error|cannot (?:connect|open)|interrupted by the user)/i;

/**
 * How Nix begins where it found no room: for what it writes, in its database, or in the log of a builder that an evaluation
 * waits for.
 */
const WITHOUT_ROOM =
  /^(?:(?:opening|creating|writing|renaming|unpacking|copying|moving|linking|setting|making|error (?:creating|writing)|cannot (?:create|write|link|rename|open)|executing SQLite|committing)\b|builder for ')/i;

/** Whether an evaluation ended because Nix could not get at something, and not by what it evaluated. */
export function tellsOfFetching(message: string): boolean {
  if (WITHOUT_ROOM.test(message) && tellsOfFullDisk(message)) return true;
  return FETCHING.test(message) && !REFUSED.test(message);
}

/** Whether git, run by Nix, was to speak another protocol than HTTP, or to show a login. */
export function tellsOfLogin(stderr: string): boolean {
  return /^fatal: (?:transport '.*' not allowed|could not read (?:Username|Password)|Authentication failed)/m.test(
    stderr,
  );
}

/** What a server answers that will not answer otherwise in a moment: that it has no such thing, or not for us. */
const REFUSED = /HTTP error 4(?!08|29)\d\d/;

const OUT_OF_MEMORY =
  /Cannot allocate memory|out of memory|memory exhausted|std::bad_alloc|\bMemoryError\b|memory allocation of \d+ bytes failed/i;

/** Whether the text tells of a process that wanted more memory than it may have. One that the kernel killed says nothing. */
export function tellsOfMemory(text: string): boolean {
  return OUT_OF_MEMORY.test(text);
}
