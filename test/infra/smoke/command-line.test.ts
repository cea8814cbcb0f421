// `npm run smoke` as a program: what it prints, and how it ends.
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { execa } from 'execa';

const PROGRAM = resolve(import.meta.dirname, '../../../infra/smoke/smoke.ts');

function run(...args: readonly string[]) {
  return execa(process.execPath, [PROGRAM, ...args], { reject: false });
}

describe('npm run smoke', { concurrency: true, timeout: 60_000 }, () => {
  test('says what is wrong and what to do, without colours where nobody looks, and ends with 1', async () => {
    const { exitCode, stdout } = await run('127.0.0.1:1');
    assert.equal(exitCode, 1);
    assert.match(
      stdout,
      /^✗ registry at the root: .*ECONNREFUSED.*\n {4}Look .*\n– all else: .*\n127\.0\.0\.1:1: 0 passed, 1 failed, 1 /,
    );
  });

  test('prints one document by --json', async () => {
    const { exitCode, stdout } = await run('localhost:1', '--image', 'shell/git', '--json');
    assert.equal(exitCode, 1);
    const report = JSON.parse(stdout) as { image: string; passed: boolean; findings: { outcome: string }[] };
    assert.equal(report.image, 'shell/git:latest');
    assert.equal(report.passed, false);
    assert.deepEqual(
      report.findings.map(({ outcome }) => outcome),
      ['failed', 'skipped'],
    );
  });

  test('refuses what cannot be meant', async () => {
    for (const [args, says] of [
      [['https://registry.example.org/'], /HOST is a host/],
      [['localhost', '--user', 'alice'], /go together/],
      [
        ['registry.example.org', '--insecure', '--user', 'a', '--password', 'b'],
        /no password is sent by plain HTTP/,
      ],
    ] as const) {
      const { exitCode, stderr } = await run(...args);
      assert.equal(exitCode, 1, args.join(' '));
      assert.match(stderr, says);
    }
  });
});
