import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { ConfigurationError } from '#core/errors.ts';
import { sourceSettings } from '#core/google/deployment-settings.ts';
import { cloudSettings, readSettings, type Environment } from '#core/google/settings.ts';

const schema = z.object({
  ...cloudSettings,
  SOURCE: sourceSettings.DERIVERY_SOURCE,
  SECONDS: z.coerce.number().positive().default(20),
  URL: z.url().optional(),
});
const GOOD = { GOOGLE_CLOUD_PROJECT: 'p', SOURCE: 'debian' };

function problem(environment: Environment): string {
  try {
    readSettings(schema, environment);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError, String(error));
    assert.doesNotMatch(error.message, /\n/, 'one line');
    return error.message;
  }
  return assert.fail('nothing was refused');
}

describe('settings', () => {
  test('have defaults, are parsed, and stay as they are', () => {
    const settings = readSettings(schema, { ...GOOD, SECONDS: '1.5', PATH: '/bin', SOURCE: 'path:/set' });
    assert.deepEqual(settings, {
      GOOGLE_CLOUD_PROJECT: 'p',
      DERIVERY_DATABASE: '(default)',
      DERIVERY_BUILDS_TOPIC: 'builds',
      DERIVERY_REFRESHES_TOPIC: 'refreshes',
      SOURCE: 'path:/set',
      SECONDS: 1.5,
    });
    assert.ok(Object.isFrozen(settings));
  });

  test('an empty value is one that is not set', () => {
    assert.equal(readSettings(schema, { ...GOOD, DERIVERY_DATABASE: '', SECONDS: '', URL: '' }).SECONDS, 20);
    assert.equal(problem({ ...GOOD, SOURCE: '' }), 'configuration: SOURCE is not set');
  });

  test('every bad one is named in one line, with what is wrong', () => {
    const message = problem({ SOURCE: 'nowhere:x', SECONDS: 'soon', URL: 'no url' });
    assert.match(message, /^configuration: /);
    assert.match(message, /GOOGLE_CLOUD_PROJECT is not set/);
    assert.match(message, /SOURCE: "nowhere:x" is not a package source: use channel:NAME, git:URL/);
    assert.match(message, /SECONDS: must be a number;/);
    assert.match(message, /URL: .*URL/i);
  });

  test('a bad one is told in words that need no library', () => {
    const rules = z.object({
      WHOLE: z.coerce.number().int(),
      LEAST: z.coerce.number().min(1),
      ABOVE: z.coerce.number().positive(),
      MOST: z.coerce.number().max(9),
      BELOW: z.coerce.number().lt(9),
      ONE_OF: z.enum(['a', 'b', 'c']),
      ONLY: z.literal('x'),
      FOLDER: z.string().startsWith('/'),
    });
    const bad = { WHOLE: '1.5', LEAST: '0', ABOVE: '0', MOST: '10', BELOW: '9' };
    assert.throws(() => readSettings(rules, { ...bad, ONE_OF: 'd', ONLY: 'y', FOLDER: 'here' }), {
      message:
        'configuration: WHOLE: must be a whole number; LEAST: must be at least 1; ABOVE: must be above 0; ' +
        'MOST: must be at most 9; BELOW: must be below 9; ONE_OF: must be "a", "b" or "c"; ONLY: must be "x"; ' +
        'FOLDER: must begin with /',
    });
  });

  test('a value with line ends does not break the line', () => {
    assert.match(problem({ ...GOOD, SOURCE: 'a\nb' }), /SOURCE/);
  });
});
