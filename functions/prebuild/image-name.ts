// `shell/git` or `shell/git:latest`: an image as people write it, without a registry's address.
import { RegistryError } from '#core/errors.ts';
import { parseRepositoryName, parseTag, type RepositoryName, type Tag } from '#core/reference.ts';

export interface ImageName {
  readonly name: RepositoryName;
  readonly tag: Tag;
}

/** The tag is `latest` where none is given, as for docker. Throws a RegistryError for what is no image's name. */
export function parseImageName(text: string): ImageName {
  const colon = text.indexOf(':');
  const slash = text.indexOf('/');
  // No name has a ":" before a "/", and every address of a local registry has.
  if (colon >= 0 && colon < slash) {
    throw new RegistryError(
      400,
      'NAME_INVALID',
      "an image is named without a registry's address, as in shell/git",
    );
  }
  if (text.includes('@')) {
    throw new RegistryError(400, 'NAME_INVALID', 'an image is named by name and tag here, not by digest');
  }
  if (colon < 0) return { name: parseRepositoryName(text), tag: parseTag('latest') };
  return { name: parseRepositoryName(text.slice(0, colon)), tag: parseTag(text.slice(colon + 1)) };
}
