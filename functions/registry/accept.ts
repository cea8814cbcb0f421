// Which media types a client takes (RFC 9110, section 12.5.1), as far as it matters here: images are OCI manifests and
// indexes, and there is no other form of them. What cannot be taken is told at once, before anything is built.
import { RegistryError } from '#core/errors.ts';
import type { ImageRequest } from '#core/image-request.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import type { RepositoryName } from '#core/reference.ts';

/** Types that the answer repeats. */
const TOLD = 8;

/**
 * Throws a {@link RegistryError} where the request's Accept header says that its image would not be understood: by one who
 * knows only Docker's own types, or of an index by one who knows only manifests. Who says nothing takes anything.
 */
export function requireAcceptable(
  accept: string | undefined,
  name: RepositoryName,
  { platforms }: ImageRequest,
): void {
  const types = (accept ?? '').split(',').flatMap(range => range.split(';')[0]?.trim().toLowerCase() || []);
  const accepts = (type: string): boolean => types.includes(type);
  if (types.length === 0 || accepts('*/*') || accepts('application/*') || accepts(MEDIA_TYPES.index)) return;
  if (!accepts(MEDIA_TYPES.manifest)) {
    throw new RegistryError(
      404,
      'MANIFEST_UNKNOWN',
      `this registry serves OCI manifests and indexes only; ${told(types)}`,
    );
  }
  if (platforms.length > 1) {
    throw new RegistryError(
      404,
      'MANIFEST_UNKNOWN',
      `${name} is an OCI index, of ${platforms.join(' and ')}, and the client accepts manifests only: pull amd64/${name} or arm64/${name}`,
    );
  }
}

function told(types: readonly string[]): string {
  const whose = types.every(type => type.startsWith('application/vnd.docker.'))
    ? "only Docker's own types"
    : 'only';
  const more = types.length > TOLD ? ', …' : '';
  return `the client accepts ${whose}: ${types.slice(0, TOLD).join(', ')}${more}`;
}
