/**
 * The same random requests for the stand-in and for Google's official emulator: every answer and every document must
 * be the same. Without settings it plays the same few sequences in every run, however slow the machine is; with
 * `DERIVERY_TEST_FUZZ_SECONDS` new ones for so long, from `DERIVERY_TEST_FUZZ_SEED` on where that is set. A failure prints the
 * seed and the shortest way to it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { startFirestore } from '#local/firestore/server.ts';
import { findOfficialFirestore, startOfficialFirestore } from '#test/contract/official-firestore.ts';
import { operations } from './operations.ts';
import { Player } from './player.ts';
import { RawClient } from './raw-client.ts';

const { DERIVERY_TEST_FUZZ_SECONDS: seconds, DERIVERY_TEST_FUZZ_SEED: seed } = process.env;
const official = findOfficialFirestore();

test(
  'the stand-in answers any requests as the official emulator does',
  { skip: 'missing' in official && official.missing },
  async t => {
    assert.ok('jar' in official);
    const servers = await Promise.all([startFirestore(), startOfficialFirestore(official.jar)]);
    const clients = await Promise.all(servers.map(({ address }) => RawClient.connect(address)));
    t.after(async () => {
      for (const client of clients) client.close();
      await Promise.all(servers.map(server => server.close()));
    });
    let played = 0;
    const property = fc.asyncProperty(operations, async sequence => {
      const players = clients.map(client => new Player(client));
      for (const operation of sequence) {
        const [ours, theirs] = await Promise.all(players.map(player => player.play(operation)));
        assert.deepEqual(ours, theirs);
        played += 1;
      }
    });
    await fc.assert(property, extent());
    t.diagnostic(`${played} operations compared`);
    assert.ok(played > 0);
  },
);

function extent(): fc.Parameters<unknown> {
  if (seconds === undefined) return { seed: Number(seed ?? 1), numRuns: 20 };
  const limits = { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: Number(seconds) * 1000 };
  return seed === undefined ? limits : { ...limits, seed: Number(seed) };
}
