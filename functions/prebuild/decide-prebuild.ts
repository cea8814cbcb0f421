// What a prebuild sets going for an image: as a pull that nobody waits for.
import { decidePull, type Follow, type PullPolicy } from '#core/pull-decision.ts';
import type { PullState } from '#core/google/pull-state.ts';

/**
 * A build where the image is missing or not known to be up to date, unless one is under way or a failure holds. A pull is
 * content with an image whose source was not looked at for a while, and has the source looked at for the pulls to come. A
 * prebuild may be the only one for a day: the image itself is queued, and where nothing has changed that ends with the look.
 */
export function decidePrebuild({ image, source }: PullState, policy: PullPolicy): Follow {
  const { document, readTime } = image;
  const decision = decidePull(document, source.document, policy, readTime);
  switch (decision.kind) {
    case 'unasked':
      return 'refresh';
    case 'pending':
      return 'nothing';
    case 'failed':
      return decision.follow;
    case 'ready': {
      if (document === undefined || decision.follow === 'nothing') return 'nothing';
      // But for the image that is served, is there something to wait for, or a failure to go by?
      const others = decidePull({ ...document, current: undefined }, source.document, policy, readTime);
      return others.kind === 'unasked' ? 'refresh' : decision.follow;
    }
  }
}
