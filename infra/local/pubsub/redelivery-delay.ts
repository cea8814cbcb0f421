import type { SubscriptionSettings } from './subscription-settings.ts';

/** "Push backoff" of a push subscription without a retry policy: 100 ms to 60 s ("Push subscriptions", Push backoff). */
const pushBackoff = { minimumMilliseconds: 100, maximumMilliseconds: 60_000 };

/**
 * How long a message that was delivered `attempts` times without success waits for its next delivery, in
 * milliseconds. Google promises an exponential delay between the two bounds of the retry policy ("Handle message
 * failures", Retry policy) without saying its base; here it doubles. Without a policy a pulled message is ready at once.
 */
export function redeliveryDelay(
  { retry, pushEndpoint }: Pick<SubscriptionSettings, 'retry' | 'pushEndpoint'>,
  attempts: number,
): number {
  const backoff = retry ?? (pushEndpoint === null ? null : pushBackoff);
  if (backoff === null) return 0;
  // The exponent stops where 600 s are long reached, so that nothing overflows.
  const doublings = Math.min(attempts - 1, 30);
  return Math.min(backoff.maximumMilliseconds, backoff.minimumMilliseconds * 2 ** doublings);
}
