// Names and tags as the OCI distribution specification writes them ("Pulling manifests"). Hostile data until parsed here.
import { z } from 'zod';
import { RegistryError } from './errors.ts';

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const NAME = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Longest name that clients accept with room for the host before it. */
export const NAME_LIMIT = 255;

export const repositoryNameSchema = z.string().max(NAME_LIMIT).regex(NAME).brand('RepositoryName');
export const tagSchema = z.string().regex(TAG).brand('Tag');

export type RepositoryName = z.infer<typeof repositoryNameSchema>;
export type Tag = z.infer<typeof tagSchema>;

/** Parses a repository's name. The message does not repeat the name: it may be anything at all. */
export function parseRepositoryName(text: string): RepositoryName {
  const parsed = repositoryNameSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new RegistryError(
    400,
    'NAME_INVALID',
    text.length > NAME_LIMIT
      ? `the name is longer than ${NAME_LIMIT} characters`
      : 'a name is package names joined by "/", each of lower-case letters and digits, with ".", "_", "__" or "-" between them',
  );
}

/** Parses a tag. What can be none has no manifest: the specification's checks want 404 of it. */
export function parseTag(text: string): Tag {
  const parsed = tagSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new RegistryError(
    404,
    'MANIFEST_UNKNOWN',
    'a tag has at most 128 characters: letters, digits, "_", "." and "-"',
  );
}
