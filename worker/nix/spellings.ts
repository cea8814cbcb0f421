// How the attributes may be spelled that a name means.
import { unescape } from '#core/escape.ts';
import { NAME_LIMIT } from '#core/reference.ts';

/** nixpkgs has sets that hold themselves (`pkgs.pkgs`): what is deeper than this is no name of a package. */
const MAXIMUM_DEPTH = 6;

/**
 * For each component of a package's name, between the dots, the spellings that its attribute may have, in the order of
 * preference: as written, unescaped, and for one that begins with a digit, which no name in Nix does, with an underscore
 * before it. Undefined for a name that can be no attribute's.
 */
export function spellingsOf(name: string): readonly (readonly string[])[] | undefined {
  if (name.length > NAME_LIMIT || !canBeNixString(name)) return undefined;
  const components = name.split('.');
  return components.length > MAXIMUM_DEPTH ? undefined : components.map(spellingsOfComponent);
}

export function spellingsOfComponent(component: string): readonly string[] {
  const texts = [...new Set([component, unescape(component)])];
  return [...texts, ...texts.filter(text => /^[0-9]/.test(text)).map(text => `_${text}`)];
}

/** Nix's strings end at a NUL, and are UTF-8: other text would arrive as another name. */
function canBeNixString(name: string): boolean {
  return !name.includes('\0') && name.isWellFormed();
}
