import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { clientAddressBehind } from '#functions/registry/client-address.ts';

const SOCKET = '169.254.1.1';

function read(trustedProxies: number, forwarded?: string, remoteAddress?: string): string {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return clientAddressBehind(trustedProxies)({ headers, socket: { remoteAddress } });
}

describe('the client’s address', () => {
  test('is the socket’s where no proxy is trusted, whatever is forwarded', () => {
    assert.equal(read(0, '203.0.113.7', SOCKET), SOCKET);
    assert.equal(read(0, undefined, SOCKET), SOCKET);
  });

  test('is what the outermost trusted proxy saw', () => {
    assert.equal(read(1, '203.0.113.7', SOCKET), '203.0.113.7');
    // Behind a load balancer, which puts its own address behind the client's.
    assert.equal(read(2, '203.0.113.7, 198.51.100.1', SOCKET), '203.0.113.7');
    assert.equal(read(2, '203.0.113.7,198.51.100.1', SOCKET), '203.0.113.7');
  });

  test('is the socket’s where a proxy says none, or nothing that is one', () => {
    for (const forwarded of [
      undefined,
      '',
      ',',
      '203.0.113.7,',
      'unknown',
      '203.0.113.7:80',
      '01.2.3.4',
      '1.2.3',
    ]) {
      assert.equal(read(1, forwarded, SOCKET), SOCKET);
    }
    assert.equal(read(2, '203.0.113.7', SOCKET), SOCKET);
    assert.equal(read(1, undefined, undefined), 'unknown');
  });

  test('is not changed by anything that the client forwards itself', () => {
    const entry = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.constantFrom('', ' ', ',', ',,', '::1'));
    fc.assert(
      fc.property(fc.array(entry), fc.integer({ min: 1, max: 3 }), fc.ipV4(), (forged, proxies, client) => {
        const appended = [client, ...Array.from({ length: proxies - 1 }, () => '198.51.100.1')];
        assert.equal(read(proxies, [...forged, ...appended].join(', '), SOCKET), client);
      }),
    );
  });

  test('is IPv4 where it is IPv4 written as IPv6', () => {
    for (const written of ['::ffff:203.0.113.7', '::FFFF:cb00:7107', '0:0:0:0:0:ffff:203.0.113.7']) {
      assert.equal(read(0, undefined, written), '203.0.113.7');
      assert.equal(read(1, written, SOCKET), '203.0.113.7');
    }
  });

  const networks: Readonly<Record<string, string>> = {
    '2001:db8:1:2:3:4:5:6': '2001:db8:1:2::/64',
    '2001:0DB8:0001:0002::1': '2001:db8:1:2::/64',
    '2001:db8::1': '2001:db8::/64',
    '2001:db8:0:0:1::': '2001:db8::/64',
    '::1': '::/64',
    '1::': '1::/64',
    'fe80::1%eth0': 'fe80::/64',
    '64:ff9b::203.0.113.7': '64:ff9b::/64',
    '::ffff:0:203.0.113.7': '::/64',
  };
  for (const [address, network] of Object.entries(networks)) {
    test(`of ${address} is counted as ${network}`, () => {
      assert.equal(read(0, undefined, address), network);
    });
  }

  test('is one for all of a /64, and another for the next', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const four = fc.tuple(group, group, group, group);
    const isMapped = (network: number[], host: number[]): boolean =>
      network.every(part => part === 0) && host[0] === 0 && host[1] === 0xffff;
    const write = (groups: number[]): string => groups.map(part => part.toString(16)).join(':');
    fc.assert(
      fc.property(four, four, four, (network, one, other) => {
        fc.pre(!isMapped(network, one) && !isMapped(network, other));
        const first = read(0, undefined, write([...network, ...one]));
        assert.equal(read(0, undefined, write([...network, ...other])), first);
        const next = [...network.slice(0, 3), network[3] ^ 1];
        fc.pre(!isMapped(next, one));
        assert.notEqual(read(0, undefined, write([...next, ...one])), first);
      }),
    );
  });
});
