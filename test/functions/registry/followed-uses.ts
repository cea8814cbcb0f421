// Uses that a registry notes beside its answers, followed to their end: a test may close Firestore only then.
import { createLastUses, type LastUses, type LastUsesParts } from '#functions/registry/last-uses.ts';

export interface FollowedUses extends LastUses {
  /** Resolves when all that was begun has ended. */
  ended(): Promise<unknown>;
}

export function followedUses({ images, manifests, ...parts }: LastUsesParts): FollowedUses {
  const notes = new Set<Promise<number>>();
  const follow = (note: Promise<number>): Promise<number> => {
    notes.add(note);
    return note;
  };
  const lastUses = createLastUses({
    ...parts,
    images: { noteUse: (...use) => follow(images.noteUse(...use)) },
    manifests: { noteUse: (...use) => follow(manifests.noteUse(...use)) },
  });
  return { ...lastUses, ended: () => Promise.allSettled(notes) };
}
