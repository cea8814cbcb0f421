import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ClosureNode } from '#core/closure.ts';
import { PermanentError } from '#core/errors.ts';
import { parseStorePath } from '#core/store-path.ts';
import { requireFetchable, requireWithinLimit } from '#worker/closure-limit.ts';

const GB = 1e9;

function node(narSize: number): ClosureNode {
  const path = parseStorePath(`/nix/store/${'0'.repeat(32)}-node`);
  return { path, narSize, narHash: `sha256:${'0'.repeat(64)}`, references: [] };
}

function refusal(check: () => void): string {
  try {
    check();
  } catch (error) {
    assert.ok(error instanceof PermanentError);
    assert.equal(error.failure.kind, 'over_limit');
    return error.message;
  }
  return assert.fail('it is within the limit');
}

test('what is over the limit is told with both numbers', () => {
  const three = ['git', 'hello', 'texlive'];
  assert.equal(
    refusal(() => requireWithinLimit(three, [node(4 * GB), node(2.1 * GB)], 5 * GB)),
    'git and 2 more come to 6.1 GB with all they need; the limit here is 5.0 GB',
  );
  assert.equal(
    refusal(() => requireFetchable(['git'], 6.1 * GB, 5 * GB)),
    'git comes to at least 6.1 GB with all it needs; the limit here is 5.0 GB',
  );
  assert.equal(
    refusal(() => requireWithinLimit(['git'], [node(51.2e6)], 12e6)),
    'git comes to 51.2 MB with all it needs; the limit here is 12.0 MB',
  );
});

test('what is at the limit is within it', () => {
  requireWithinLimit(['git'], [node(3 * GB), node(2 * GB)], 5 * GB);
  requireFetchable(['git'], 5 * GB, 5 * GB);
});

test('the two numbers never read the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e13 }), fc.integer({ min: 1, max: 1e12 }), (limit, over) => {
      const message = refusal(() => requireFetchable(['git'], limit + over, limit));
      const [size, allowed] = message.match(/[\d.]+(?= [MG]B)/g) ?? [];
      assert.ok(Number(size) > Number(allowed), message);
    }),
  );
});
