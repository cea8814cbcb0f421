import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { readSettings } from '#core/google/settings.ts';
import { limitSettings, limitsOf } from '#functions/registry/limits/limit-settings.ts';

const read = (environment: Record<string, string>) => readSettings(z.object(limitSettings), environment);

describe('the settings of limits', () => {
  test('trust no proxy, and give users more than strangers, where nothing is said', () => {
    const settings = read({});
    assert.equal(settings.DERIVERY_TRUSTED_PROXIES, 0);
    assert.deepEqual(limitsOf(settings), {
      anonymous: { newBuildsPerHour: 30, pullsPerMinute: 300, waitingPulls: 40 },
      user: { newBuildsPerHour: 120, pullsPerMinute: 1_200, waitingPulls: 80 },
    });
  });

  test('are each its own, a number or none', () => {
    const limits = limitsOf(
      read({
        DERIVERY_ANONYMOUS_BUILDS_PER_HOUR: '0',
        DERIVERY_USER_BUILDS_PER_HOUR: 'none',
        DERIVERY_ANONYMOUS_PULLS_PER_MINUTE: '1',
        DERIVERY_USER_PULLS_PER_MINUTE: '2',
        DERIVERY_ANONYMOUS_WAITING_PULLS: '3',
        DERIVERY_USER_WAITING_PULLS: '4',
      }),
    );
    assert.deepEqual(limits, {
      anonymous: { newBuildsPerHour: 0, pullsPerMinute: 1, waitingPulls: 3 },
      user: { newBuildsPerHour: Infinity, pullsPerMinute: 2, waitingPulls: 4 },
    });
  });
});
