import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untilStopRequested } from '#local/stop-request.ts';

await test('one Ctrl-C is one request, though npm passes it on; the next one is impatience', async context => {
  context.mock.timers.enable({ apis: ['Date'] });
  let impatience = 0;
  const requested = untilStopRequested(() => {
    impatience += 1;
  });
  // Not SIGINT, which node's test runner listens to as well.
  process.emit('SIGHUP');
  await requested;
  context.mock.timers.tick(300);
  process.emit('SIGHUP');
  assert.equal(impatience, 0);
  context.mock.timers.tick(1000);
  process.emit('SIGHUP');
  assert.equal(impatience, 1);
});
