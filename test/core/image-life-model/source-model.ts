// What is known of the source, whatever happens: the looks at it, and who was asked to look.
import type { ImageRequest } from '#core/image-request.ts';
import type { PullPolicy } from '#core/pull-decision.ts';
import type { SourceDocument } from '#core/source-document.ts';

const MINUTE = 60_000;

/** The source was seen at a revision. */
export interface Look {
  readonly at: number;
  readonly revision: string;
}

export class SourceModel {
  /** How often the document was written. */
  writes = 0;
  looks: Look[] = [];
  /** When a worker was asked to look, with no answer since. */
  askedAt: number | undefined;
  readonly #request: Pick<ImageRequest, 'source' | 'ref'>;

  constructor(request: Pick<ImageRequest, 'source' | 'ref'>) {
    this.#request = request;
  }

  ask(writes: number, now: number): boolean {
    if (this.askedAt !== undefined && now <= this.askedAt + MINUTE) return false;
    if (writes !== this.writes) return false;
    this.askedAt = now;
    this.writes += 1;
    return true;
  }

  look(revision: string, at: number): void {
    const last = this.looks.at(-1);
    // What changes nothing is no write.
    const isKnown = this.askedAt === undefined && last?.revision === revision && last.at === at;
    if (!isKnown) this.writes += 1;
    this.looks.push({ revision, at });
    this.askedAt = undefined;
  }

  /** How often it was seen somewhere else than before. */
  movesWithin(span: number, now: number): number {
    return this.looks.filter(
      ({ at, revision }, i) => revision !== this.looks[i - 1]?.revision && now < at + span,
    ).length;
  }

  /** The document, as it must be. */
  document(): SourceDocument | undefined {
    if (this.writes === 0) return undefined;
    const { source, ref } = this.#request;
    const last = this.looks.at(-1);
    const moves = this.looks.filter(({ revision }, i) => i > 0 && this.looks[i - 1]?.revision !== revision);
    const left = moves.map(move => {
      const before = this.looks[this.looks.indexOf(move) - 1];
      return { revision: before?.revision, leftAt: move.at };
    });
    const earlier = left.toReversed().slice(0, 60);
    const resolved = last && { revision: last.revision, checkedAt: last.at, earlier };
    const document = { source, ref, resolved, askedAt: this.askedAt };
    return JSON.parse(JSON.stringify(document)) as SourceDocument;
  }
}

/** Since when an image of a revision is stale, or may be. */
export function staleSince(
  revision: string,
  looks: readonly Look[],
  last: Look,
  { freshMs }: Pick<PullPolicy, 'freshMs'>,
): number {
  if (revision === last.revision) return last.at + freshMs;
  const lastThere = looks.findLastIndex(look => look.revision === revision);
  return looks[lastThere + 1]?.at ?? last.at;
}
