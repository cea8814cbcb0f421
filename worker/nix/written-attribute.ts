// How an attribute is written in an image's name.
import { escape } from '#core/escape.ts';
import { spellingsOfComponent } from './spellings.ts';

/** An attribute, and the name that means it. */
export interface WrittenAttribute {
  readonly attribute: string;
  readonly written: string;
}

/** Tells how the members of a set are written, each as plainly as the others allow. Made once for a set. */
export function createWriter(members: readonly string[]): (member: string) => string | undefined {
  const exact = new Set(members);
  const folded = Map.groupBy(members, foldCase);

  /** The lookup of nix/resolve.nix. */
  function meaning(component: string): readonly string[] {
    for (const spelling of spellingsOfComponent(component)) {
      if (exact.has(spelling)) return [spelling];
      const alike = folded.get(foldCase(spelling));
      if (alike !== undefined) return alike;
    }
    return [];
  }

  return member => {
    const choices = [foldCase(member).replace(/^_(?=[0-9])/, ''), foldCase(member), member].map(escape);
    return choices.find(choice => {
      const [meant, ...others] = choice === undefined ? [] : meaning(choice);
      return meant === member && others.length === 0;
    });
  };
}

/** Nix's own sense of case here: that of ASCII. */
export function foldCase(text: string): string {
  return text.replaceAll(/[A-Z]/g, letter => letter.toLowerCase());
}
