// What the topic "prebuilds" carries: `{"images": ["shell/git:latest", …]}`. Whoever may publish there may write anything.
import { z } from 'zod';
import { RegistryError } from '#core/errors.ts';
import {
  parseImageRequest,
  requestKey,
  type ImageRequest,
  type Offer,
  type RequestKey,
} from '#core/image-request.ts';
import type { SettingsDigest } from '#core/image-settings.ts';
import { parseImageName } from './image-name.ts';

/** Images that one message may name: a bound on the time that it takes. */
export const IMAGE_LIMIT = 1_000;

/** Characters of what somebody wrote that the log repeats. */
const EXCERPT = 300;

const messageSchema = z.object({ images: z.array(z.unknown()) });

export interface WantedImage {
  readonly key: RequestKey;
  readonly request: ImageRequest;
  /** As the message has it. */
  readonly name: string;
}

export interface PrebuildMessage {
  /** Each image once, however often and in however many ways it was named. */
  readonly wanted: readonly WantedImage[];
  /** What cannot be asked for, and why. */
  readonly refused: readonly { readonly image: string; readonly reason: string }[];
  /** Images beyond the {@link IMAGE_LIMIT}. */
  readonly beyondLimit: number;
}

/** Parses a message for a deployment with this offer. Throws an Error that says what is wrong with all of it. */
export function parsePrebuildMessage(
  data: Uint8Array,
  offer: Offer,
  settings: SettingsDigest,
): PrebuildMessage {
  const images = parseImages(data);
  const wanted = new Map<RequestKey, WantedImage>();
  const refused: PrebuildMessage['refused'][number][] = [];
  for (const image of images.slice(0, IMAGE_LIMIT)) {
    try {
      const { name, tag } = parseImageName(z.string('an image is named by a string').parse(image));
      const request = parseImageRequest(name, tag, offer);
      const key = requestKey(request, settings);
      wanted.set(key, { key, request, name: `${name}:${tag}` });
    } catch (error) {
      refused.push({ image: excerpt(image), reason: reasonOf(error) });
    }
  }
  return {
    wanted: [...wanted.values()],
    refused,
    beyondLimit: Math.max(0, images.length - IMAGE_LIMIT),
  };
}

function parseImages(data: Uint8Array): readonly unknown[] {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (error) {
    throw new Error('the message is not JSON', { cause: error });
  }
  const parsed = messageSchema.safeParse(json);
  if (!parsed.success) throw new Error('the message is not of the form {"images": ["shell/git:latest", …]}');
  return parsed.data.images;
}

function reasonOf(error: unknown): string {
  if (error instanceof RegistryError) return error.message;
  if (error instanceof z.ZodError) return error.issues[0]?.message ?? '';
  throw error;
}

function excerpt(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text;
}
