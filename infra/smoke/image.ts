// The image that is pulled: one that nobody asked for before, where none is given.
import { randomInt } from 'node:crypto';

/** Small, and in nixpkgs as well as in the bundled set of `npm start`. Six of them are 100,947 images. */
const SMALL_PACKAGES =
  'bzip2 curl diffutils file findutils gawk gnugrep gnused gnutar gzip hello jq less moreutils nano openssl patch ripgrep rsync sqlite tree which zstd'.split(
    ' ',
  );

const PACKAGES_OF_AN_IMAGE = 6;

export interface ImageToPull {
  /** As in `shell/git`. */
  readonly name: string;
  readonly tag: string;
  /** Whether it can be taken for certain that it was never pulled. */
  readonly isNew: boolean;
}

export function randomImage(): ImageToPull {
  const left = [...SMALL_PACKAGES];
  const chosen = Array.from(
    { length: PACKAGES_OF_AN_IMAGE },
    () => left.splice(randomInt(left.length), 1)[0],
  );
  return { name: chosen.join('/'), tag: 'latest', isNew: true };
}

/** Parses `NAME` or `NAME:TAG`. */
export function givenImage(text: string): ImageToPull | undefined {
  const { name, tag = 'latest' } = /^(?<name>[^:@]+)(?::(?<tag>[^:@/]+))?$/.exec(text)?.groups ?? {};
  return name === undefined ? undefined : { name, tag, isNew: false };
}

/** A name that no package has, and that is near to one: that of an image's last package with its last letter twice. */
export function misspelt({ name }: ImageToPull): string {
  const last = name.split('/').at(-1) ?? name;
  return `${last}${last.at(-1) ?? ''}`;
}
