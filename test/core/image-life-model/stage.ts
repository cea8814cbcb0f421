// What clients and workers have in common: the real documents, the model of them, the source, and the messages.
import type { Digest } from '#core/digest.ts';
import type { Priority } from '#core/image-document.ts';
import type { ImageRequest, RequestKey } from '#core/image-request.ts';
import { sourceKey, type SourceKey } from '#core/source-document.ts';
import type { Images } from '#core/google/images.ts';
import type { Sources } from '#core/google/sources.ts';
import { OTHER_SETTINGS, SETTINGS } from '../deployment.ts';
import type { Clock } from './memory.ts';
import { Model } from './model.ts';

/** Before a deployment and after it. */
export const OLD = SETTINGS;
export const NEW = OTHER_SETTINGS;

export interface Parts {
  readonly clock: Clock;
  readonly images: Images;
  readonly sources: Sources;
  readonly key: RequestKey;
  readonly request: ImageRequest;
  /** Whether the request names a commit. */
  readonly pinned: boolean;
  readonly freshMs: number;
  readonly staleMs: number;
  readonly hasManifest: (digest: Digest) => Promise<boolean>;
  /** Has others write while the next transaction on the image is under way, where the documents can do that. */
  readonly interrupt: (others: () => Promise<void>) => void;
}

export interface Message {
  readonly look: 'image' | 'source';
  readonly topic: Priority;
}

export class Stage {
  readonly parts: Parts;
  readonly sourceKey: SourceKey;
  readonly model: Model;
  readonly messages: Message[] = [];
  /** Where the source really stands, and wherever it stood. */
  readonly revisions = ['r0'];

  constructor(parts: Parts) {
    this.parts = parts;
    this.sourceKey = sourceKey(parts.request);
    this.model = new Model(parts.request, parts.pinned);
  }

  get now(): number {
    return this.parts.clock.now;
  }

  get revision(): string {
    return this.revisions.at(-1) ?? '';
  }

  send(message: Message, lost = false): void {
    if (!lost) this.messages.push(message);
  }

  /** Notes that the source was seen at a revision, and answers when. */
  async record(revision: string): Promise<number> {
    const { sources, request } = this.parts;
    const { checkedAt } = await sources.record(this.sourceKey, request, { revision, gitRef: undefined });
    this.model.look(revision, this.now);
    return checkedAt;
  }
}
