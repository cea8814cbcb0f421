// Addresses of git repositories, as an operator writes them.
import { z } from 'zod';

/** The protocols that git may speak for us. Others (`ext::`, helpers) run programs. */
export const GIT_PROTOCOLS = ['https', 'http', 'ssh', 'git', 'file'] as const;

export type GitProtocol = (typeof GIT_PROTOCOLS)[number];

const HOST = String.raw`(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])`;

/** `scheme://user@host:port/path`. A port is a number: what else there is may be a password that holds a "/". */
const URL_FORM = new RegExp(`^(?<scheme>[a-z]+)://(?:[^/@:-][^/@:]*@)?${HOST}(?::[0-9]{1,5})?/`);

/** `user@host:path`, as scp writes it: SSH. No part may look like an option, and no host like a URL's beginning. */
const SCP_FORM = new RegExp(
  `^(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?(?!(?:https?|ssh|git|file):)${HOST}:(?!//)[^@:-][^@]*$`,
);

/** What is said of an address that holds some. */
export const CREDENTIALS = 'holds credentials: leave them to the netrc or the SSH key of the worker';

/**
 * A URL of one of the {@link GIT_PROTOCOLS}, `user@host:path`, or a folder. Without credentials: what is in an address ends
 * up in documents, in labels and on screens.
 */
export const gitUrlSchema = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^[!-~]+$/, 'has characters that no address has')
  .refine(url => !url.includes('#'), 'has a "#", which begins a ref')
  .refine(url => !holdsCredentials(url), CREDENTIALS)
  .refine(
    url => protocolIn(url) !== undefined,
    `is none that git reads by ${GIT_PROTOCOLS.join(', ')}: write https://HOST/PATH, USER@HOST:PATH or /FOLDER`,
  );

/** The protocol of a parsed address. */
export function gitProtocol(url: string): GitProtocol {
  const protocol = protocolIn(url);
  if (protocol === undefined) throw new Error('an address that was not parsed');
  return protocol;
}

/** Whether a URL has a password in it, or a user's name where that is a token. The user's name of SSH is neither. */
export function holdsCredentials(url: string): boolean {
  const { scheme, user } = /^(?<scheme>[a-z][a-z0-9+]*):\/\/(?<user>[^/]*)@/.exec(url)?.groups ?? {};
  if (scheme === undefined || user === undefined) return false;
  return !(scheme === 'ssh' || scheme === 'git+ssh') || user.includes(':');
}

function protocolIn(url: string): GitProtocol | undefined {
  if (url.startsWith('/') || url.startsWith('file:///')) return 'file';
  const scheme = URL_FORM.exec(url)?.groups?.['scheme'];
  if (scheme !== undefined) return GIT_PROTOCOLS.find(protocol => protocol === scheme && protocol !== 'file');
  return SCP_FORM.test(url) ? 'ssh' : undefined;
}
