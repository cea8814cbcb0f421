import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Noted } from '../history.ts';
import { checkPrograms } from './programs.ts';

function lifeOf(how: string, isReady = true): Noted[] {
  const event = (name: 'started' | 'ready' | 'ended', line: number): Noted => {
    return { kind: 'program', program: 'worker-0', pid: 7, event: name, how, at: line, line };
  };
  return [event('started', 1), ...(isReady ? [event('ready', 2)] : []), event('ended', 3)];
}

test('a program that breaks is found', () => {
  assert.equal(checkPrograms(lifeOf('exit code 1')).length, 1);
});

test('one that was killed or asked to end, or could not start, is not', () => {
  for (const how of ['killed by SIGKILL', 'exit code 0']) assert.deepEqual(checkPrograms(lifeOf(how)), []);
  assert.deepEqual(checkPrograms(lifeOf('exit code 1', false)), []);
});
