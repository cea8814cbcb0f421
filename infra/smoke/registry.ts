// The registry that is looked at, as a client sees it.
import type { Authorize } from './login.ts';
import { send, type Sending, type WholeReply } from './exchange.ts';

/** Clients by what the registry believes of them (docs/pulling.md): one that gives up on silence after half a minute, one that waits. */
export const USER_AGENTS = { impatient: 'derivery-smoke', patient: 'skopeo/1.9.3 (derivery-smoke)' } as const;

/** What every answer of the registry's own has, and none of a front end's. */
export const OWN_HEADER = 'docker-distribution-api-version';

export interface Registry {
  /** `https://HOST/` */
  readonly base: URL;
  /** Whether answers are one user's. */
  readonly authorize: Authorize;
  /** Sends a request for a path, as `/v2/shell/git/tags/list`, or for an address that the registry gave. */
  send(target: string, sending?: Sending): Promise<WholeReply>;
}

export function openRegistry(base: URL, authorize: Authorize): Registry {
  return {
    base,
    authorize,
    async send(target, { headers, ...sending } = {}) {
      const url = new URL(target, base);
      const authorization = await authorize(repositoryOf(url.pathname));
      return send(url, {
        ...sending,
        headers: {
          'user-agent': USER_AGENTS.impatient,
          accept: ACCEPT,
          ...headers,
          ...(authorization !== undefined && url.origin === base.origin && { authorization }),
        },
      });
    },
  };
}

const ACCEPT = 'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*';

function repositoryOf(path: string): string | undefined {
  return /^\/v2\/(.+)\/(?:manifests|blobs|referrers|tags)\//.exec(path)?.[1];
}
