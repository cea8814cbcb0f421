import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageIds } from '#local/pubsub/message-id.ts';

test('ids only grow, faster than the clock and after it went back', () => {
  const future = (Date.now() + 1_000_000) * 1000;
  for (const last of [0, future]) {
    const next = messageIds(last);
    let previous = last;
    for (let count = 0; count < 5000; count += 1) {
      const id = next();
      assert.match(id, /^\d+$/);
      assert.ok(Number(id) > previous);
      previous = Number(id);
    }
  }
});
