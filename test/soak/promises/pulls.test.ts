import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Noted, PullOutcome, PullRecord } from '../history.ts';
import { expectationOf } from '../packages.ts';
import { checkPulls } from './pulls.ts';

const VERSIONS: Noted[] = ['first', 'second', 'third'].map((revision, version) => ({
  kind: 'version',
  version,
  revision,
  at: version * 1000,
  line: version + 1,
}));

function brokenBy(name: string, outcome: PullOutcome, more: Partial<PullRecord> = {}): number {
  const pull: Noted = {
    kind: 'pull',
    pull: 1,
    client: 'node',
    name,
    reference: 'latest',
    beganAt: 1,
    outcome,
    atRest: false,
    at: 1500,
    line: 4,
    ...more,
  };
  return checkPulls([...VERSIONS, pull]).length;
}

function imageOf(name: string, version: number): Extract<PullOutcome, { kind: 'image' }> {
  const expected = expectationOf(name, version);
  assert.ok(expected.kind === 'image');
  return {
    kind: 'image',
    digest: 'sha256:0',
    revision: ['first', 'second', 'third'][version] ?? '',
    contents: expected.contents,
  };
}

function refusal(message: string, status = 403): PullOutcome {
  return { kind: 'refused', status, message };
}

test('the right image is right, whole or not', () => {
  assert.equal(brokenBy('p0/p2', imageOf('p0/p2', 1)), 0);
  const { contents: _contents, ...digestAlone } = imageOf('p0/p2', 1);
  assert.equal(brokenBy('p0/p2', digestAlone), 0);
  assert.equal(brokenBy('amd64/arm64/p1', imageOf('amd64/arm64/p1', 1)), 0);
});

test('an image of other packages, of another version, or of no revision there was, is found', () => {
  assert.equal(brokenBy('p0/p2', imageOf('p0', 1)), 1);
  assert.equal(brokenBy('p0', { ...imageOf('p0', 1), revision: 'first' }), 1);
  assert.equal(brokenBy('p0', { ...imageOf('p0', 1), revision: 'no such' }), 1);
  assert.equal(brokenBy('p0', imageOf('p0', 1), { reference: 'first' }), 1);
});

test('an image of a name that has none is found', () => {
  const image = { ...imageOf('p0', 1), contents: {} };
  for (const name of ['failing', 'removed', 'nosuch1', 'moody']) assert.equal(brokenBy(name, image), 1, name);
});

test('true reasons are true, of this version or one before', () => {
  assert.equal(brokenBy('failing', refusal('… failing says why at 1 …')), 0);
  assert.equal(brokenBy('failing', refusal('… failing says why at 0 …')), 0);
  assert.equal(brokenBy('nosuch2/p1', refusal('"nosuch2" is not in the package set', 404)), 0);
  assert.equal(brokenBy('p0', refusal('gave up after 5 attempts: the network')), 0);
  const bySkopeo = 'reading manifest latest: manifest unknown: gave up after 5 attempts: the network';
  assert.equal(brokenBy('p0', refusal(bySkopeo, 0)), 0);
});

test('a reason that is not true is found', () => {
  assert.equal(brokenBy('failing', refusal('… failing says why at 2 …')), 1, 'not yet');
  assert.equal(brokenBy('failing', refusal('… says nothing …')), 1);
  assert.equal(brokenBy('nosuch1', refusal('"nosuch1" is not in the package set', 403)), 1, 'the status');
  assert.equal(brokenBy('p0', refusal('its builder failed')), 1);
  assert.equal(brokenBy('p0', refusal('gave up after 5 attempts: the network'), { atRest: true }), 1);
  assert.equal(brokenBy('moody', refusal('moody says why at 1'), { reference: 'first' }), 1, 'of a commit');
});

test('a pull that did not end, or got other bytes, is found', () => {
  assert.equal(brokenBy('p0', { kind: 'unfinished', why: 'no answer' }), 1);
  assert.equal(brokenBy('p0', { kind: 'wrong', why: 'other bytes' }), 1);
});
