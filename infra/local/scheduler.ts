// Plays Cloud Scheduler: wakes the janitor by a message every minute.

/** Milliseconds. Cloud Scheduler's shortest period. */
const PERIOD = 60_000;

/** Calls `publish` every minute until it is stopped. A message that could not be sent is reported, and the next one is tried. */
export function startScheduler(
  publish: () => Promise<unknown>,
  report: (error: unknown) => void,
  period = PERIOD,
): { stop: () => void } {
  const timer = setInterval(() => {
    publish().catch(report);
  }, period);
  return { stop: () => clearInterval(timer) };
}
