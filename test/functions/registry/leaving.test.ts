// Clients that go away while they wait: their place is another's, and the build goes on.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test, type TestContext } from 'node:test';
import { execa } from 'execa';
import { createWaitingRoom, type WaitingRoom } from '#functions/registry/waiting-room.ts';
import { collectLog } from '#test/collected-log.ts';
import { Cloud } from '#test/cloud.ts';
import { Served, waitingOn } from './served.ts';

/** Nobody gets there: who leaves a place does so because it is gone. Milliseconds. */
const HOLD = 120_000;

/** A room that tells of each place that is taken or left. */
function observedRoom(): WaitingRoom & { entered: Promise<void>; left: Promise<void> } {
  const room = createWaitingRoom(100);
  const entered = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  return {
    get count() {
      return room.count;
    },
    enter(pull) {
      const place = room.enter(pull);
      entered.resolve();
      return {
        longestMs: place.longestMs,
        [Symbol.dispose]() {
          place[Symbol.dispose]();
          left.resolve();
        },
      };
    },
    entered: entered.promise,
    left: left.promise,
  };
}

describe('the place of a client', { timeout: 30_000, concurrency: true }, () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await Cloud.start();
  });
  after(() => cloud[Symbol.asyncDispose]());

  /** Has someone wait, and leave; resolves when the place is free. */
  async function comesAndGoes(
    context: TestContext,
    come: (address: string, path: string) => { leave: () => void; gone: Promise<unknown> },
  ): Promise<void> {
    const room = observedRoom();
    const waiting = waitingOn(cloud, { log: collectLog().log, room });
    const registry = await Served.start('functions-framework', cloud, HOLD, { waiting });
    context.after(() => registry[Symbol.asyncDispose]());
    const { name, key } = await cloud.newQueued();
    const { leave, gone } = come(`127.0.0.1:${registry.port}`, name);
    await room.entered;
    assert.equal(room.count, 1);
    leave();
    await room.left;
    assert.equal(room.count, 0);
    await gone;
    assert.equal((await cloud.buildOf(key)).state, 'queued');
  }

  for (const ending of ['ends', 'resets'] as const) {
    test(`that ${ending} its connection is free`, context =>
      comesAndGoes(context, (address, name) => {
        const [host = '', port = ''] = address.split(':');
        const socket = connect(Number(port), host);
        socket.write(`GET /v2/${name}/manifests/latest HTTP/1.1\r\nhost: ${address}\r\n\r\n`);
        const { promise, resolve } = Promise.withResolvers<void>();
        socket.once('close', () => resolve());
        return {
          leave: () => (ending === 'ends' ? socket.destroy() : socket.resetAndDestroy()),
          gone: promise,
        };
      }));
  }

  const programs: Readonly<Record<string, (address: string, name: string) => readonly string[]>> = {
    curl: (address, name) => ['--silent', `http://${address}/v2/${name}/manifests/latest`],
    skopeo: (address, name) => ['inspect', '--tls-verify=false', `docker://${address}/${name}`],
  };
  for (const [program, argumentsFor] of Object.entries(programs)) {
    test(`is free when ${program} is killed`, context =>
      comesAndGoes(context, (address, name) => {
        const running = execa(program, argumentsFor(address, name), { reject: false });
        return { leave: () => running.kill('SIGKILL'), gone: running };
      }));
  }
});
