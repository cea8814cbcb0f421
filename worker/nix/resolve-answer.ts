// What nix/resolve.nix answers.
import { z } from 'zod';
import { storePathSchema } from '#core/store-path.ts';

const attribute = z.array(z.string());
const name = z.string();

const itemSchema = z.union([
  z.object({
    name,
    found: z.object({
      attribute,
      drv: storePathSchema,
      output: z.string().min(1),
      path: storePathSchema,
      pname: z.string().nullable(),
      mainProgram: z.string().nullable(),
      priority: z.number(),
    }),
  }),
  z.object({ name, not_found: z.object({ attribute }) }),
  z.object({ name, ambiguous: z.object({ attribute, candidates: z.array(z.string()) }) }),
  z.object({ name, not_a_package: z.object({ attribute, type: z.string() }) }),
  z.object({ name, removed: z.object({}) }),
  z.object({ name, refused: z.object({ attribute, reasons: z.array(z.string()) }) }),
  z.object({ name, failed: z.object({}) }),
  // A package set may hold anything that calls itself a derivation: one that is none takes no others down.
  z.object({ name }).transform(item => ({ name: item.name, malformed: true as const })),
]);

/** To the modes "resolve" and "explain". */
export const answerSchema = z.object({
  items: z.array(itemSchema),
  /** For each set, by attribute, where a name was not found: the names that it has. */
  names: z.record(z.string(), z.array(z.string())),
});

/** To the mode "look". */
export const lookSchema = z.object({
  items: z.array(z.object({ name, there: z.boolean() })),
});

/** To the mode "locate". A package set may hold anything: what is no store path is as good as none. */
export const locateSchema = z.object({
  items: z.array(z.object({ name, path: storePathSchema.nullable().catch(null) })),
});

export type AnsweredItem = z.infer<typeof itemSchema>;
export type Answer = z.infer<typeof answerSchema>;
