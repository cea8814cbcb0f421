// Facts about layers whose blob is gone: a worker that believed one would name what is not there. They go with their blobs;
// these are left over from what no janitor deleted.
import { layerFactSchema } from '#core/layer.ts';
import { pageByName } from '#core/google/pages.ts';
import { decideAndWrite, knownOrLeft, stepsOf, type Sweep, type Workplace } from '../sweep.ts';

const PAGE = 200;
const DAY_MS = 24 * 3_600_000;

export function sweepLayerFacts(place: Workplace): Sweep {
  const { firestore, retention } = place;
  const blobs = firestore.collection('blobs');
  return {
    name: 'layer facts',
    restMs: Math.min(DAY_MS, retention.graceMs / 7),
    async page(position) {
      const page = await pageByName(firestore.collection('layers'), position, PAGE);
      const names = new Set(page.items.flatMap(fact => digestOfFact(fact.data()) ?? []));
      const references = [...names].map(digest => blobs.doc(digest));
      const found = references.length === 0 ? [] : await firestore.getAll(...references, { fieldMask: [] });
      const present = new Set(found.filter(({ exists }) => exists).map(({ id }) => id));
      return stepsOf(page, fact => ({
        subject: fact.id,
        take: () =>
          knownOrLeft(async () => {
            if (present.has(layerFactSchema.parse(fact.data()).digest)) return 'kept';
            return decideAndWrite(place, async transaction => {
              const again = await transaction.get(fact.ref);
              if (!again.exists) return { outcome: 'kept' };
              const blob = await transaction.get(blobs.doc(layerFactSchema.parse(again.data()).digest));
              if (blob.exists) return { outcome: 'kept' };
              return { outcome: 'deleted', write: writing => void writing.delete(fact.ref) };
            });
          }),
      }));
    },
  };
}

function digestOfFact(data: unknown): string | undefined {
  return layerFactSchema.safeParse(data).data?.digest;
}
