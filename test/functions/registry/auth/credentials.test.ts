import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseAuthorization } from '#functions/registry/auth/credentials.ts';
import { parseScopes } from '#functions/registry/auth/scope.ts';
import { basic } from './clients.ts';

const text = fc.string({ unit: 'binary' }).filter(each => each.isWellFormed());

describe('the Authorization header', () => {
  test('has the user and the password that someone typed, whatever is in them', () => {
    fc.assert(
      fc.property(text, text, (typed, password) => {
        const user = typed.replaceAll(':', '');
        fc.pre(user + password !== '');
        assert.deepEqual(parseAuthorization(basic(user, password)), {
          kind: 'basic',
          credentials: { user, password },
        });
      }),
    );
  });

  test('is one of four things, whatever it says', () => {
    const header = fc.oneof(
      text,
      fc.tuple(fc.constantFrom('Basic', 'bearer', 'BASIC', 'Digest'), fc.constantFrom(' ', '  ', ''), text).map(parts => parts.join('')),
    ); // prettier-ignore
    fc.assert(
      fc.property(header, said => {
        assert.ok(['none', 'basic', 'bearer', 'unknown'].includes(parseAuthorization(said).kind));
      }),
    );
  });

  for (const [header, kind] of [
    [undefined, 'none'], [basic('', ''), 'none'], ['Bearer abc.def.ghi', 'bearer'], ['bearer  abc=', 'bearer'], ['Bearer a b', 'unknown'],
    ['Bearer', 'unknown'], ['Basic', 'unknown'], ['Basic !', 'unknown'], ['Negotiate abc', 'unknown'], ['', 'unknown'], ['Basic YTpi, Bearer x', 'unknown'],
  ] as const) {
    test(`${header} is ${kind}`, () => assert.equal(parseAuthorization(header).kind, kind));
  } // prettier-ignore
});

describe('scopes', () => {
  test('are never more than was asked for, and only pulls', () => {
    const part = fc.constantFrom(
      'repository',
      'registry',
      'a',
      'b/c',
      'A',
      'pull',
      'push',
      '*',
      'pull,push',
      '',
      '..',
    );
    const scope = fc.array(part, { maxLength: 4 }).map(parts => parts.join(':'));
    fc.assert(
      fc.property(fc.array(scope, { maxLength: 5 }), scopes => {
        for (const name of parseScopes(scopes)) {
          assert.ok(
            scopes.some(asked => new RegExp(`^repository:${name}:(pull|pull,push|\\*)$`).test(asked)),
          );
        }
      }),
    );
  });
});
