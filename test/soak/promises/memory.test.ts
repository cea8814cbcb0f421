import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Noted } from '../history.ts';
import { checkMemory } from './memory.ts';

function looks(mib: (look: number) => number, count = 40, pid = 7): Noted[] {
  return Array.from({ length: count }, (_, look) => ({
    kind: 'memory',
    program: 'worker-1',
    pid,
    mib: mib(look),
    at: look,
    line: look,
  }));
}

test('memory that grows all the time is found', () => {
  assert.equal(checkMemory(looks(look => 100 + 10 * look)).length, 1);
});

test('memory that grows at the start, or goes up and down, is not', () => {
  assert.deepEqual(checkMemory(looks(look => Math.min(600, 100 + 100 * look))), []);
  assert.deepEqual(checkMemory(looks(look => (look % 2 === 0 ? 100 : 500))), []);
});

test('processes are told apart, and short lives are not judged', () => {
  assert.deepEqual(checkMemory([...looks(() => 100), ...looks(() => 900, 40, 8)]), []);
  assert.deepEqual(checkMemory(looks(look => 100 * look, 6)), []);
});
