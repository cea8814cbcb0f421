// What a reference asks for, parsed once: the identity of an image and the key of its document.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { RegistryError } from './errors.ts';
import { META_PACKAGES } from './meta-packages.ts';
import { byCodeUnits } from './order.ts';
import {
  describePackageSource,
  formatPackageSource,
  packageSourceSchema,
  type PackageSource,
} from './package-source.ts';
import { platformSchema, type Platform } from './platform.ts';
import type { RepositoryName, Tag } from './reference.ts';

export const imageRequestSchema = z.object({
  /** Attribute names as asked for, sorted bytewise, each once, meta-packages resolved. */
  packages: z.array(z.string()).readonly(),
  platform: platformSchema,
  source: packageSourceSchema,
  /** A ref of the source: a git branch, tag or commit, or "latest". */
  ref: z.string(),
});

export type ImageRequest = Readonly<z.infer<typeof imageRequestSchema>>;

export const requestKeySchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand('RequestKey');

/** Hash of the canonical image request; the id of its document. */
export type RequestKey = z.infer<typeof requestKeySchema>;

/** Changes when the same request comes to mean other bytes. */
const KEY_VERSION = 1;

/** Packages per image: a bound on what one name can cost. */
export const PACKAGE_LIMIT = 64;

/** What `name:tag` asks of a deployment with this package source. Throws a {@link RegistryError} for what cannot be. */
export function parseImageRequest(name: RepositoryName, tag: Tag, source: PackageSource): ImageRequest {
  const components = name.split('/');
  const packages = new Set<string>();
  let platform: Platform = 'linux/amd64';
  let leading = true;
  for (const component of components) {
    const meta = leading && Object.hasOwn(META_PACKAGES, component) ? META_PACKAGES[component] : undefined;
    if (meta === undefined) {
      leading = false;
      packages.add(component);
    } else if ('platform' in meta) {
      platform = meta.platform;
    } else {
      for (const added of meta.adds) packages.add(added);
    }
  }
  if (packages.size > PACKAGE_LIMIT) {
    throw new RegistryError(
      400,
      'NAME_INVALID',
      `the name asks for ${packages.size} packages; the limit is ${PACKAGE_LIMIT}`,
    );
  }
  if (packages.size === 0) {
    throw new RegistryError(404, 'NAME_INVALID', `"${name}" names no package: add one, as in ${name}/hello`);
  }
  return { packages: [...packages].toSorted(byCodeUnits), platform, source, ref: refOf(tag, source) };
}

function refOf(tag: Tag, source: PackageSource): string {
  if (source.kind === 'git' || tag === 'latest') return tag;
  throw new RegistryError(
    404,
    'MANIFEST_UNKNOWN',
    `there is no tag "${tag}" here: this registry serves ${describePackageSource(source)}, and only as "latest"`,
  );
}

/** The key of a request: injective, since the canonical JSON names every field that changes the bytes. */
export function requestKey(request: ImageRequest): RequestKey {
  const { packages, platform, source, ref } = request;
  const canonical = JSON.stringify([KEY_VERSION, packages, platform, formatPackageSource(source), ref]);
  return requestKeySchema.parse(createHash('sha256').update(canonical).digest('hex'));
}
