// What a registry sends, as far as it is looked at here.
import { z } from 'zod';
import { expect } from './check.ts';
import type { WholeReply } from './exchange.ts';

const descriptorSchema = z.object({
  mediaType: z.string(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.number().int().nonnegative(),
});

export type Descriptor = z.infer<typeof descriptorSchema>;

const manifestSchema = z.object({
  mediaType: z.literal('application/vnd.oci.image.manifest.v1+json'),
  config: descriptorSchema,
  layers: z.array(descriptorSchema),
});

const indexSchema = z.object({
  mediaType: z.literal('application/vnd.oci.image.index.v1+json'),
  manifests: z.array(descriptorSchema),
});

/** What a tag stands for: an image, or an index of images. */
export const taggedSchema = z.discriminatedUnion('mediaType', [manifestSchema, indexSchema]);

const errorsSchema = z.object({
  errors: z.tuple([z.object({ code: z.string(), message: z.string().min(1) })], z.unknown()),
});

/** The first error of an answer. Throws a CheckError where it is none in the specification's form. */
export function errorOf({ status, headers, body }: WholeReply): { code: string; message: string } {
  const text = body.toString();
  const parsed = errorsSchema.safeParse(jsonIn(text));
  expect(
    parsed.success && headers['content-type'] === 'application/json',
    `${status}, and not an error in the form that clients print: ${headers['content-type'] ?? 'no Content-Type'}, ${text.slice(0, 200)}`,
    'Something before the registry answers in its place: look at the load balancer, and at the log of the function.',
  );
  return parsed.data.errors[0];
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
