import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { originForm } from '#functions/registry/target.ts';

const forms: readonly [target: string, form: string][] = [
  ['/v2/', '/v2/'],
  ['/v2/a/manifests/b?x=http://c/d', '/v2/a/manifests/b?x=http://c/d'],
  ['http://host/v2/', '/v2/'],
  ['http://host:8080/v2/a/tags/list?n=1', '/v2/a/tags/list?n=1'],
  ['HTTPS://user@host/v2/', '/v2/'],
  ['http://[::1]:5000/v2/', '/v2/'],
  ['http://host', '/'],
  ['http://host?x=1', '/?x=1'],
  ['http://http://host/v2/', '//host/v2/'],
  ['ftp://host/v2/', 'ftp://host/v2/'],
  ['*', '*'],
  ['', ''],
];

describe('the origin form', () => {
  for (const [target, form] of forms) {
    test(`of "${target}" is "${form}"`, () => assert.equal(originForm(target), form));
  }
});
