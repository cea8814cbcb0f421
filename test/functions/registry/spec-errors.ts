// What a refusal has to look like for clients to show it to people (OCI distribution specification, "Error Codes").
import assert from 'node:assert/strict';
import { z } from 'zod';
import type { Received } from './served.ts';

const errorsSchema = z.strictObject({
  errors: z.tuple([
    z.strictObject({
      code: z.string().regex(/^[A-Z_]+$/),
      message: z.string().min(1),
      detail: z.string().min(1),
    }),
  ]),
});

/** Asserts that an answer is an error of the registry's own in the specification's format; answers code and message. */
export function specError(answer: Received, status: number): { code: string; message: string } {
  assert.equal(answer.status, status, answer.body.toString());
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['content-length'], String(answer.body.length));
  const { errors } = errorsSchema.parse(JSON.parse(answer.body.toString('utf8')));
  return errors[0];
}

/** Asserts that a text tells nothing of the program that wrote it. */
export function assertNoTrace(text: string): void {
  assert.doesNotMatch(text, /node_modules|\bat .+:\d+:\d+|\.(js|ts)\b|Error:/);
}
