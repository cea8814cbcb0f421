// Addresses of git repositories, as an operator writes them.
import { z } from 'zod';

/** The protocols that git may speak for us. Others (`ext::`, helpers) run programs. */
export const GIT_PROTOCOLS = ['https', 'http', 'ssh', 'git', 'file'] as const;

export type GitProtocol = (typeof GIT_PROTOCOLS)[number];

/** `user@host:path`, as scp writes it: SSH. */
const SCP = /^(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!\/\/)[^:]/;

/**
 * A URL of one of the {@link GIT_PROTOCOLS}, `user@host:path`, or a folder. Without credentials: what is in an address ends
 * up in documents, in labels and on screens. Only SSH's user name is none.
 */
export const gitUrlSchema = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^[!-~]+$/, 'has characters that no address has')
  .refine(url => !url.includes('#'), 'has a "#", which begins a ref')
  .refine(url => protocolIn(url) !== undefined, `is no address that git reads by ${GIT_PROTOCOLS.join(', ')}`)
  .refine(
    url => !holdsCredentials(url),
    'holds credentials: leave them to the netrc or SSH key of the worker',
  );

/** The protocol of a parsed address. */
export function gitProtocol(url: string): GitProtocol {
  const protocol = protocolIn(url);
  if (protocol === undefined) throw new Error('an address that was not parsed');
  return protocol;
}

function protocolIn(url: string): GitProtocol | undefined {
  if (url.startsWith('/')) return 'file';
  const scheme = /^(?<scheme>[a-z]+):\/\/[^/]*\//.exec(url)?.groups?.['scheme'];
  if (scheme !== undefined) return GIT_PROTOCOLS.find(protocol => protocol === scheme);
  return SCP.test(url) ? 'ssh' : undefined;
}

function holdsCredentials(url: string): boolean {
  const authority = /^(?<scheme>[a-z]+):\/\/(?<authority>[^/]*)/.exec(url)?.groups;
  const at = authority?.['authority']?.lastIndexOf('@') ?? -1;
  if (authority === undefined || at < 0) return false;
  return authority['scheme'] !== 'ssh' || (authority['authority'] ?? '').slice(0, at).includes(':');
}
