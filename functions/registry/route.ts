// What a request asks for. The path is taken as it came, never decoded: the grammar of names has no escapes.
import { parseDigest, type Digest } from '#core/digest.ts';
import { RegistryError } from '#core/errors.ts';
import { buildLogIdSchema, type BuildLogId } from '#core/google/build-logs.ts';
import { parseRepositoryName, parseTag, type RepositoryName, type Tag } from '#core/reference.ts';

export type Route =
  | { readonly kind: 'landing-page' }
  | { readonly kind: 'build-log'; readonly id: BuildLogId }
  | { readonly kind: 'token' }
  | PullRoute;

/** What is for those who may pull. */
export type PullRoute =
  | { readonly kind: 'api-version' }
  | { readonly kind: 'manifest-by-tag'; readonly name: RepositoryName; readonly tag: Tag }
  | { readonly kind: 'manifest-by-digest'; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly kind: 'blob'; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly kind: 'tags'; readonly name: RepositoryName }
  | { readonly kind: 'referrers'; readonly name: RepositoryName; readonly digest: Digest };

/** The tail tells what is asked for; whatever stands before it is the name (distribution-spec, "Endpoints"). */
const TAIL = /^\/v2\/(.*)\/(manifests|blobs|referrers|tags(?=\/list$))\/([^/]*)$/s;

const BUILD_LOG = /^\/builds\/([^/]+)\/log$/;

/** Where tokens are given out. */
export const TOKEN_PATH = '/token';

/** What is told to whoever pushes or deletes. */
export const ONLY_READING =
  'nothing is pushed or deleted here, since images are made from their names: there is only GET and HEAD';

/** Whether a target is the token endpoint's, whatever its query. */
export function isTokenTarget(target: string): boolean {
  return target.split('?', 1)[0] === TOKEN_PATH;
}

/** Parses a request's target (`/v2/shell/git/manifests/latest?wait=1`). Throws a {@link RegistryError}. */
export function parseRoute(target: string): Route {
  const [path = ''] = target.split('?', 1);
  if (path === '/') return { kind: 'landing-page' };
  if (path === TOKEN_PATH) return { kind: 'token' };
  if (path === '/v2' || path === '/v2/') return { kind: 'api-version' };
  const [, name, collection, reference] = TAIL.exec(path) ?? [];
  if (name === undefined || reference === undefined) return buildLogRoute(path);
  const repository = parseRepositoryName(name);
  switch (collection) {
    case 'blobs':
      return { kind: 'blob', name: repository, digest: parseDigest(reference) };
    case 'referrers':
      return { kind: 'referrers', name: repository, digest: parseDigest(reference) };
    case 'tags':
      return { kind: 'tags', name: repository };
    default:
      return reference.includes(':')
        ? { kind: 'manifest-by-digest', name: repository, digest: parseDigest(reference) }
        : { kind: 'manifest-by-tag', name: repository, tag: parseTag(reference) };
  }
}

function buildLogRoute(path: string): Route {
  const logId = buildLogIdSchema.safeParse(BUILD_LOG.exec(path)?.[1]);
  if (!logId.success) throw nothingHere(path);
  return { kind: 'build-log', id: logId.data };
}

function nothingHere(path: string): RegistryError {
  if (path === '/v2/_catalog') {
    return new RegistryError(
      404,
      'UNSUPPORTED',
      'there is no catalog: every list of packages is the name of an image, as in shell/git/curl',
    );
  }
  return new RegistryError(
    404,
    'UNSUPPORTED',
    path.startsWith('/v2/')
      ? 'this registry answers manifests, blobs, tags and referrers, and only to those who pull'
      : 'there is nothing here: the registry is below /v2/, a page about it at /',
  );
}
