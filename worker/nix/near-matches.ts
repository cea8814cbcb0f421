// Names that someone may have meant who wrote one that is not there.
import { editDistance } from '#core/edit-distance.ts';
import { unescape } from '#core/escape.ts';
import { byCodeUnits } from '#core/order.ts';
import { createWriter, foldCase, type WrittenAttribute } from './written-attribute.ts';

/** How many are told. */
export const NEAR_LIMIT = 3;

/** Where nixpkgs keeps packages that people look for without the set's name, and that are evaluated in moments. */
const SETS = [
  'xorg',
  'python3Packages',
  'perlPackages',
  'rubyPackages',
  'phpPackages',
  'phpExtensions',
  'luaPackages',
  'ocamlPackages',
  'nodePackages',
  'gnome',
  'kdePackages',
  'libsForQt5',
  'qt6',
  'linuxPackages',
] as const;

/**
 * Finds, for names that want a member which a set has not, at most three of its members that look like it; nearest first.
 * `set` is the set's attribute, of which `members` are all. What follows the component in the name follows it in each match.
 */
export function createMatcher(
  set: readonly string[],
  members: readonly string[],
): (name: string) => WrittenAttribute[] {
  const comparable = members.map(member => ({ member, text: toComparable(member) }));
  const write = createWriter(members);
  return name => {
    const components = name.split('.');
    const wanted = foldCase(unescape(components[set.length] ?? ''));
    const most = wanted.length <= 4 ? 1 : 2;
    const before = components.slice(0, set.length);
    const after = components.slice(set.length + 1);
    return comparable
      .filter(({ text }) => Math.abs(text.length - wanted.length) <= most)
      .map(({ member, text }) => ({ member, distance: editDistance(wanted, text) }))
      .filter(({ distance }) => distance <= most)
      .toSorted((a, b) => a.distance - b.distance || byCodeUnits(a.member, b.member))
      .flatMap(({ member }) => {
        const written = write(member);
        if (written === undefined) return [];
        return {
          attribute: [...set, member, ...after.map(unescape)].join('.'),
          written: [...before, written, ...after].join('.'),
        };
      })
      .slice(0, NEAR_LIMIT);
  };
}

/**
 * Names with the same last component elsewhere: in nixpkgs' sets, and outside of all. They may or may not be there.
 * `topLevel` are the members of the whole package set.
 */
export function sameLastComponent(name: string, topLevel: readonly string[]): WrittenAttribute[] {
  const components = name.split('.');
  const last = components.at(-1) ?? '';
  const there = new Set(topLevel);
  const sets = SETS.filter(set => there.has(set) && foldCase(set) !== foldCase(components[0] ?? ''));
  return [...(components.length > 1 ? [[]] : []), ...sets.map(set => [set])].map(set => ({
    attribute: [...set, unescape(last)].join('.'),
    written: [...set.map(foldCase), last].join('.'),
  }));
}

/** As the resolver compares: in lower case, and without the underscore that Nix wants before a digit. */
function toComparable(attribute: string): string {
  return foldCase(attribute).replace(/^_(?=[0-9])/, '');
}
