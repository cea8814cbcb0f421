// Of each image one build at a time, and only by whom it was claimed: read off every version of its document.
import type { Commit, Plain } from '../commits.ts';
import { inCommits, type Violation } from './violation.ts';

interface Lease {
  readonly token: string;
  readonly renewedAt: number;
  readonly durationSeconds: number;
}

export function checkLeases(commits: readonly Commit[]): Violation[] {
  const violations: Violation[] = [];
  const held = new Map<string, Lease>();
  const digests = new Map<string, unknown>();
  for (const { time, writes, line } of commits) {
    for (const { collection, id, data } of writes) {
      if (collection !== 'images') continue;
      const found = (what: string): void => {
        violations.push({
          promise: 'an image is built once at a time',
          what: `${id}: ${what}`,
          at: inCommits(line),
        });
      };
      const before = held.get(id);
      const lease = leaseOf(data);
      if (lease !== undefined && before !== undefined && lease.token !== before.token) {
        const overAt = before.renewedAt + before.durationSeconds * 1000;
        if (time <= overAt)
          found(
            `${lease.token} has taken the lease of ${before.token}, which is over in ${overAt - time} ms`,
          );
      }
      const digest = digestOf(data);
      const isPublished = digest !== undefined && digest !== digests.get(id);
      if (isPublished && before === undefined) found(`${digest} was published by nobody's lease`);
      if (lease === undefined) held.delete(id);
      else held.set(id, lease);
      digests.set(id, digest);
    }
  }
  return violations;
}

function leaseOf(data: Plain | undefined): Lease | undefined {
  const build = data?.['build'] as { state?: string; lease?: Lease } | undefined;
  return build?.state === 'building' ? build.lease : undefined;
}

function digestOf(data: Plain | undefined): string | undefined {
  return (data?.['current'] as { digest?: string } | undefined)?.digest;
}
