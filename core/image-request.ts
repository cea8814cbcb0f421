// What a reference asks for, parsed once: the identity of an image and the key of its document.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { RegistryError } from './errors.ts';
import type { SettingsDigest } from './image-settings.ts';
import { META_PACKAGES, type MetaPackage, type User } from './meta-packages.ts';
import { byCodeUnits } from './order.ts';
import { formatPackageSource, packageSourceSchema } from './package-source.ts';
import { platformSchema, type Platform } from './platform.ts';
import type { RepositoryName, Tag } from './reference.ts';
import { sourceOf, type SourceRules } from './source-rules.ts';

export const imageRequestSchema = z.object({
  /** Attribute names as asked for, sorted bytewise, each once, meta-packages resolved. */
  packages: z.array(z.string()).readonly(),
  /** Sorted, each once. Of several an index is asked for, whose images are requests of their own. */
  platforms: z.tuple([platformSchema], platformSchema).readonly(),
  /** Whom a container's programs run as. */
  user: z.enum(['root', 'nonroot']),
  source: packageSourceSchema,
  /** A ref of the source: a git branch, tag or commit, or "latest". */
  ref: z.string(),
});

export type ImageRequest = Readonly<z.infer<typeof imageRequestSchema>>;

export const requestKeySchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand('RequestKey');

/** Hash of the canonical image request and the settings it is made under; the id of its document. */
export type RequestKey = z.infer<typeof requestKeySchema>;

/** Changes when the same request comes to mean other bytes. */
const KEY_VERSION = 2;

/** Packages per image where the deployment says nothing else: a bound on what one name can cost. */
export const PACKAGE_LIMIT = 64;

/** What a deployment lets its clients ask for. */
export interface Offer {
  readonly sources: SourceRules;
  /** What an image is made for whose name says nothing of it. */
  readonly platforms: readonly [Platform, ...Platform[]];
  /** Packages per image, those of meta-packages included. */
  readonly packageLimit: number;
}

/** What `name:tag` asks of a deployment. Throws a {@link RegistryError} for what cannot be. */
export function parseImageRequest(name: RepositoryName, tag: Tag, offer: Offer): ImageRequest {
  return imageRequestSchema.parse({ ...parseImageName(name, offer), ...sourceOf(offer.sources, tag) });
}

/** What a name asks for by itself, whatever the tag. Throws as {@link parseImageRequest} does. */
export function parseImageName(name: RepositoryName, offer: Offer): Omit<ImageRequest, 'source' | 'ref'> {
  const asked = parseName(name);
  const packages = [...asked.packages].toSorted(byCodeUnits);
  if (packages.length > offer.packageLimit) {
    throw new RegistryError(
      400,
      'NAME_INVALID',
      `the name asks for ${packages.length} packages; the limit is ${offer.packageLimit}`,
    );
  }
  if (packages.length === 0) {
    throw new RegistryError(404, 'NAME_INVALID', `"${name}" names no package: add one, as in ${name}/hello`);
  }
  const platforms = asked.platforms.size > 0 ? asked.platforms : new Set(offer.platforms);
  const [first, ...others] = [...platforms].toSorted(byCodeUnits);
  if (first === undefined) throw new Error('an offer has at least one platform');
  return { packages, platforms: [first, ...others], user: asked.user };
}

function parseName(name: RepositoryName) {
  const packages = new Set<string>();
  const platforms = new Set<Platform>();
  let user: User = 'root';
  let leading = true;
  for (const component of name.split('/')) {
    const meta: MetaPackage | undefined =
      leading && Object.hasOwn(META_PACKAGES, component) ? META_PACKAGES[component] : undefined;
    leading = meta !== undefined;
    if (meta === undefined) packages.add(component);
    else if ('platform' in meta) platforms.add(meta.platform);
    else if ('user' in meta) ({ user } = meta);
    else for (const added of meta.adds) packages.add(added);
  }
  return { packages, platforms, user };
}

/** The key of a request: injective, since the canonical JSON names every field that changes the bytes. */
export function requestKey(request: ImageRequest, settings: SettingsDigest): RequestKey {
  const { packages, platforms, user, source, ref } = request;
  const canonical = JSON.stringify([
    KEY_VERSION,
    settings,
    packages,
    platforms,
    user,
    formatPackageSource(source),
    ref,
  ]);
  return requestKeySchema.parse(createHash('sha256').update(canonical).digest('hex'));
}

/** The requests for an image's platforms, one for each: those that an index is made of, or the request itself. */
export function requestsByPlatform(request: ImageRequest): ImageRequest[] {
  return request.platforms.map(platform => ({ ...request, platforms: [platform] }));
}
