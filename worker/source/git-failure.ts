// What becomes of a git command that failed: an answer to whoever pulls, or another try.
import { PermanentError, TransientError } from '#core/errors.ts';
import { gitProtocol } from '#core/git-url.ts';
import { tellsOfFullDisk } from '../nix/nix-message.ts';

/** A server that knows neither the worker's password nor its key, or none at all. What git, libcurl and ssh say then. */
const REFUSED =
  /could not read (?:Username|Password)|Authentication failed|returned error: 40[13]|Permission denied|Too many authentication failures|Access denied/i;

const UNKNOWN_HOST_KEY = /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/;

const NO_REPOSITORY =
  /does not appear to be a git repository|repository '.*' not found|returned error: (?:404|410)|Repository not found|not valid: is this a git repository/i;

const OTHER_PROTOCOL =
  /transport '.*' not allowed|Protocol ".*" (?:not supported|disabled)|Unsupported (?:protocol|URL scheme)/i;

/** The kernel's words, which the worker knows. */
const NO_ROOM = 'No space left on device';

/** The error for a git command that could not read the repository and ended with this on stderr. No credentials are in it. */
export function gitFailure(url: string, stderr: string): PermanentError | TransientError {
  // Whatever else is said follows from that.
  if (tellsOfFullDisk(stderr)) return new TransientError(`git cannot read ${url}: ${NO_ROOM}`);
  if (UNKNOWN_HOST_KEY.test(stderr)) {
    return refusal(
      `the worker does not know the host key of ${url}: its operator adds it to the worker's ~/.ssh/known_hosts`,
    );
  }
  if (REFUSED.test(stderr)) {
    const remedy =
      gitProtocol(url) === 'ssh'
        ? "an SSH key in the worker's ~/.ssh that the server accepts"
        : "a line for its host in the worker's ~/.netrc";
    return refusal(`${url} wants a login, or does not exist: its operator gives one by ${remedy}`);
  }
  if (NO_REPOSITORY.test(stderr)) return refusal(`${url} does not appear to be a git repository`);
  if (OTHER_PROTOCOL.test(stderr)) {
    return refusal(
      `${url} leads to another protocol than ${gitProtocol(url)}, and is not followed there: its operator writes the address that it leads to`,
    );
  }
  return new TransientError(`git cannot read ${url}: ${reason(stderr)}`);
}

function refusal(message: string): PermanentError {
  return new PermanentError({ kind: 'unknown_source', message });
}

/** What git says is wrong, without names of files on this worker; what follows it is advice for people at a terminal. */
function reason(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).filter(line => line !== '');
  const at = lines.findIndex(line => line.startsWith('fatal: '));
  const fatal = lines[at]?.slice('fatal: '.length);
  // Why, is said by ssh before.
  const said =
    (fatal?.startsWith('Could not read') ? lines[at - 1] : fatal) ?? lines.at(-1) ?? 'it says nothing';
  return said.replaceAll(/'\/[^']*'|(?<![^\s"(])\/[^\s:]+/g, 'a file').replaceAll(/:\/\/[^/\s]*@/g, '://');
}
