// What clients and workers have in common: the real documents, the models of them, the source, and the messages.
import assert from 'node:assert/strict';
import type { Digest } from '#core/digest.ts';
import type { Priority } from '#core/image-document.ts';
import { requestKey, requestsByPlatform, type ImageRequest } from '#core/image-request.ts';
import { sourceKey, type SourceKey } from '#core/source-document.ts';
import type { Images } from '#core/google/images.ts';
import type { Sources } from '#core/google/sources.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import type { Clock } from './memory.ts';
import { Model } from './model.ts';
import { SourceModel } from './source-model.ts';

export interface Parts {
  readonly clock: Clock;
  readonly images: Images;
  readonly sources: Sources;
  readonly request: ImageRequest;
  /** Whether the request names a commit. */
  readonly pinned: boolean;
  readonly freshMs: number;
  readonly staleMs: number;
  readonly indexes: 'whole' | 'partial';
  readonly hasManifest: (digest: Digest) => Promise<boolean>;
  /** Has others write while the next transaction on an image is under way, where the documents can do that. */
  readonly interrupt: (others: () => Promise<void>) => void;
}

export type Message =
  | { readonly look: 'image'; readonly of: Model; readonly topic: Priority }
  | { readonly look: 'source'; readonly topic: Priority };

export class Stage {
  readonly parts: Parts;
  readonly sourceKey: SourceKey;
  readonly source: SourceModel;
  /** What is asked for, and, of an index, its images. */
  readonly models: readonly Model[];
  readonly messages: Message[] = [];
  /** Where the source really stands, and wherever it stood. */
  readonly revisions = ['r0'];

  constructor(parts: Parts) {
    this.parts = parts;
    this.sourceKey = sourceKey(parts.request);
    this.source = new SourceModel(parts.request);
    const isIndex = parts.request.platforms.length > 1;
    const images = isIndex ? requestsByPlatform(parts.request).map(request => this.#model(request, [])) : [];
    this.models = [this.#model(parts.request, images), ...images];
  }

  #model(request: ImageRequest, images: readonly Model[]): Model {
    const key = requestKey(request, SETTINGS);
    return new Model({ key, request, settings: SETTINGS, pinned: this.parts.pinned }, this.source, images);
  }

  /** Numbers are taken modulo how many there are. */
  model(number: number): Model {
    const model = this.models[number % this.models.length];
    assert.ok(model);
    return model;
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
    this.source.look(revision, this.now);
    return checkedAt;
  }
}
