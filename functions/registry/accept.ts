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
  const ranges = parseRanges(accept ?? '');
  if (ranges.size === 0) return;
  const [manifest, index] = [accepts(ranges, MEDIA_TYPES.manifest), accepts(ranges, MEDIA_TYPES.index)];
  const isIndex = platforms.length > 1;
  // Who knows indexes knows manifests, unless it says otherwise.
  if (isIndex ? index : (manifest ?? index)) return;
  throw new RegistryError(404, 'MANIFEST_UNKNOWN', whyNot());

  function whyNot(): string {
    if (isIndex && manifest) {
      return `${name} is an OCI index, of ${platforms.join(' and ')}, and the client accepts manifests only: pull amd64/${name} or arm64/${name}`;
    }
    if (!isIndex && index) {
      return `${name} is an OCI manifest, of ${platforms.join()}, and the client accepts indexes only`;
    }
    return `this registry serves OCI manifests and indexes only; ${told(ranges)}`;
  }
}

/** Media ranges, each with its weight: 1 where it says none. */
type Ranges = ReadonlyMap<string, number>;

function parseRanges(accept: string): Ranges {
  const ranges = new Map<string, number>();
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map(part => part.trim().toLowerCase());
    const weight = parameters.map(parameter => /^q *= *(?<q>[0-9.]+)$/.exec(parameter)?.groups?.['q']);
    if (type !== '') ranges.set(type, Number(weight.find(q => q !== undefined) ?? 1));
  }
  return ranges;
}

/** By the most specific range there is, of which a weight of 0 refuses; `undefined` where none speaks of the type. */
function accepts(ranges: Ranges, type: string): boolean | undefined {
  const weight = ranges.get(type) ?? ranges.get('application/*') ?? ranges.get('*/*');
  return weight === undefined ? undefined : weight !== 0;
}

function told(ranges: Ranges): string {
  const types = [...ranges].flatMap(([type, weight]) => (weight === 0 ? [] : type));
  if (types.length === 0) return 'the client accepts nothing';
  const whose = types.every(type => type.startsWith('application/vnd.docker.'))
    ? "only Docker's own types"
    : 'only';
  const more = types.length > TOLD ? ', …' : '';
  return `the client accepts ${whose}: ${types.slice(0, TOLD).join(', ')}${more}`;
}
