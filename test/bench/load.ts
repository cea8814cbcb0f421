// Load on a server, made by a process of its own.
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';

const figuresSchema = z.object({
  /** How many were answered in all, while the generator warmed up too. */
  requests: z.number(),
  requestsPerSecond: z.number(),
  /** Milliseconds within which half of the requests, and 99 in 100, were answered. */
  p50: z.number(),
  p99: z.number(),
});

export type LoadFigures = z.infer<typeof figuresSchema>;

/** Keeps so many connections busy for so many seconds. Throws where any answer is not 200. */
export async function measureLoad(
  address: string,
  connections: number,
  seconds: number,
): Promise<LoadFigures> {
  const generator = join(import.meta.dirname, 'load-generator.ts');
  const args = [generator, address, String(connections), String(seconds)];
  const { stdout } = await execa(process.execPath, args);
  return figuresSchema.parse(JSON.parse(stdout));
}
