import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { renderLogLine } from '#local/log-lines.ts';

/** Styles as marks: what is coloured, and how. */
const marked = (format: unknown, text: string): string => `<${String(format)}>${text}</>`;
const plain = (_format: unknown, text: string): string => text;

const time = new Date(2026, 4, 3, 12, 3, 4).toISOString();

await suite('log lines', () => {
  test('show time, program, message and facts', () => {
    const entry = {
      severity: 'INFO',
      component: 'worker',
      time,
      message: 'built',
      seconds: 3,
      phase: 'packing 2/9',
    };
    assert.equal(
      renderLogLine('worker', JSON.stringify(entry), plain),
      '12:03:04 worker     built seconds=3 phase="packing 2/9"',
    );
  });

  test('colour what is wrong', () => {
    const entry = { severity: 'WARNING', message: 'slow' };
    assert.equal(
      renderLogLine('registry', JSON.stringify(entry), marked),
      '<cyan>registry  </> <yellow>slow</>',
    );
  });

  test('show what an error says, without its stack', () => {
    const entry = {
      severity: 'ERROR',
      message: 'cannot start',
      error: { message: 'no bucket', stack: 'at …' },
    };
    assert.equal(renderLogLine('worker', JSON.stringify(entry), plain), 'worker     cannot start no bucket');
  });

  test('shorten digests and keys', () => {
    const entry = { message: 'published', digest: `sha256:${'ab'.repeat(32)}` };
    assert.equal(
      renderLogLine('worker', JSON.stringify(entry), plain),
      'worker     published digest=sha256:abababababab',
    );
  });

  for (const line of ['Warning: something', '{ not JSON', '{"no":"message"}', '']) {
    test(`pass on what is no log entry: "${line}"`, () => {
      assert.equal(renderLogLine('worker', line, plain), `worker     ${line}`);
    });
  }
});
