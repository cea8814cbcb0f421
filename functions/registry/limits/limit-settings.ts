// The settings of limits, and where the addresses come from that they count by.
import { z } from 'zod';
import { LARGEST_QUOTA } from '#core/build-quota.ts';
import { parsedSetting } from '#core/google/settings.ts';
import type { Limits } from './account.ts';

/** A whole number, or `none`. */
function limit(least: number, largest: number) {
  return parsedSetting(text => {
    if (text.trim() === 'none') return Infinity;
    const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : NaN;
    if (value >= least && value <= largest) return value;
    throw new Error(`must be a whole number from ${least} to ${largest}, or none`);
  });
}

const newBuilds = limit(0, LARGEST_QUOTA);
const pulls = limit(1, 1_000_000);
const waitingPulls = limit(1, 1_000_000);

export const limitSettings = {
  /**
   * How many proxies stand before the registry that put the address of whoever calls them into `X-Forwarded-For`: 1 on Cloud Run,
   * 2 there behind a load balancer.
   */
  DERIVERY_TRUSTED_PROXIES: z.coerce.number().int().min(0).max(10).default(0),
  /** Builds that an address may have begun within any hour. */
  DERIVERY_ANONYMOUS_BUILDS_PER_HOUR: newBuilds.default(30),
  DERIVERY_USER_BUILDS_PER_HOUR: newBuilds.default(120),
  /** Pulls by tag, on each instance. */
  DERIVERY_ANONYMOUS_PULLS_PER_MINUTE: pulls.default(300),
  DERIVERY_USER_PULLS_PER_MINUTE: pulls.default(1_200),
  /** Pulls that wait at the same time, on each instance. */
  DERIVERY_ANONYMOUS_WAITING_PULLS: waitingPulls.default(40),
  DERIVERY_USER_WAITING_PULLS: waitingPulls.default(80),
};

/** The limits that {@link limitSettings} come to. */
export function limitsOf(settings: z.infer<z.ZodObject<typeof limitSettings>>): Limits {
  return {
    anonymous: {
      newBuildsPerHour: settings.DERIVERY_ANONYMOUS_BUILDS_PER_HOUR,
      pullsPerMinute: settings.DERIVERY_ANONYMOUS_PULLS_PER_MINUTE,
      waitingPulls: settings.DERIVERY_ANONYMOUS_WAITING_PULLS,
    },
    user: {
      newBuildsPerHour: settings.DERIVERY_USER_BUILDS_PER_HOUR,
      pullsPerMinute: settings.DERIVERY_USER_PULLS_PER_MINUTE,
      waitingPulls: settings.DERIVERY_USER_WAITING_PULLS,
    },
  };
}
