// What makes Google's clients talk to this machine.

export const PROJECT = 'derivery-local';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '::1'];

/**
 * What Node runs the functions with, as suits instances of 512 MiB: its own defaults keep hundreds of megabytes of what a
 * burst of pulls or a run of the janitor leaves behind, where there is memory. The cloud has to set the same.
 */
export const FUNCTION_NODE_OPTIONS = '--max-semi-space-size=4 --max-old-space-size=256';

/** What the registry is given where nothing else is set: on a laptop all pulls are one person's. */
export const NO_LIMITS = {
  DERIVERY_ANONYMOUS_BUILDS_PER_HOUR: 'none',
  DERIVERY_USER_BUILDS_PER_HOUR: 'none',
  DERIVERY_ANONYMOUS_PULLS_PER_MINUTE: 'none',
  DERIVERY_USER_PULLS_PER_MINUTE: 'none',
  DERIVERY_ANONYMOUS_WAITING_PULLS: 'none',
  DERIVERY_USER_WAITING_PULLS: 'none',
};

/** What every program of a local system is given besides the person's own settings. */
export function localEnvironment(): Readonly<Record<string, string>> {
  // gRPC and the HTTP clients would ask a proxy even for this machine.
  const unproxied = [process.env['no_proxy'] ?? process.env['NO_PROXY'], ...LOOPBACK_NAMES]
    .filter(Boolean)
    .join(',');
  return {
    no_proxy: unproxied,
    NO_PROXY: unproxied,
    GOOGLE_CLOUD_PROJECT: PROJECT,
    // Without it the clients look for Google's metadata server first.
    METADATA_SERVER_DETECTION: 'none',
    // Express prints stack traces to clients otherwise.
    NODE_ENV: 'production',
  };
}
