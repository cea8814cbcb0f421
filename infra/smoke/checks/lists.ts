// Tags and referrers.
import { z } from 'zod';
import { expect, type Checks } from '../check.ts';
import type { ImageToPull } from '../image.ts';
import type { Registry } from '../registry.ts';

const tagsSchema = z.object({ name: z.string(), tags: z.array(z.string()) });
const indexSchema = z.object({ schemaVersion: z.literal(2), manifests: z.array(z.unknown()) });

const INDEX = 'application/vnd.oci.image.index.v1+json';

export async function checkLists(
  checks: Checks,
  registry: Registry,
  { name, tag }: ImageToPull,
  digest: string,
): Promise<void> {
  await checks.run('tags', 'Look at DERIVERY_SOURCES, and at the log of the function.', async () => {
    const { status, headers, body } = await registry.send(`/v2/${name}/tags/list`);
    expect(status === 200, `the list of tags is answered ${status}`);
    const { tags } = tagsSchema.parse(JSON.parse(body.toString()));
    expect(tags.includes('latest') || tags.includes(tag), `${tag} is not among ${tags.join(', ')}`);
    const missing = headers['warning'] === undefined ? '' : `; ${headers['warning']}`;
    return {
      says: `${tags.length} (${tags.slice(0, 5).join(', ')}${tags.length > 5 ? ', …' : ''})${missing}`,
      value: undefined,
    };
  });
  await checks.run('referrers', 'Something before the registry answers in its place.', async () => {
    const { status, headers, body } = await registry.send(`/v2/${name}/referrers/${digest}`);
    expect(
      status === 200 && headers['content-type'] === INDEX,
      `they are answered ${status}, ${headers['content-type'] ?? 'of no type'}`,
    );
    indexSchema.parse(JSON.parse(body.toString()));
    return { says: 'an index, with nothing in it', value: undefined };
  });
}
