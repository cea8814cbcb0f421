// One machine of Compute Engine's, by the two methods of its API that are needed: how it stands, and its start. The client
// library has hundreds, and would be the largest part of the bundle.
import type { Compute } from 'google-auth-library';
import { z } from 'zod';
import { ConfigurationError, TransientError } from '#core/errors.ts';
import { within } from '#core/google/firestore.ts';
import { formatInstanceName, type InstanceName } from './instance-name.ts';

/** Where a machine is in its life: what Compute Engine's states come to for who wants it to run. */
export type InstanceState = 'stopped' | 'starting' | 'running' | 'stopping';

/** Both throw a ConfigurationError for what is refused and will be, and a TransientError for what may pass. */
export interface ComputeInstance {
  readonly name: InstanceName;
  state(): Promise<InstanceState>;
  /** `not-ready`: it is on its way down. That it was accepted does not say that there is a machine to be had. */
  start(): Promise<'accepted' | 'not-ready'>;
}

/** https://cloud.google.com/compute/docs/instances/instance-lifecycle */
const STATES: Readonly<Record<string, InstanceState>> = {
  PENDING: 'starting',
  PROVISIONING: 'starting',
  STAGING: 'starting',
  RUNNING: 'running',
  REPAIRING: 'running',
  PENDING_STOP: 'stopping',
  STOPPING: 'stopping',
  SUSPENDING: 'stopping',
  DEPROVISIONING: 'stopping',
  STOPPED: 'stopped',
  TERMINATED: 'stopped',
};

const SCOPE = 'https://www.googleapis.com/auth/compute';

/** A call that takes longer is made again. Milliseconds. */
const PATIENCE_MS = 5_000;

/** With its tries again, and the token before it. Milliseconds. */
const LIMIT_MS = 15_000;

/** Many instances of a function may meet with the same trouble at the same moment. Milliseconds. */
const RETRY = { retry: 2, httpMethodsToRetry: ['GET', 'POST'], least: 100, most: 500 };

const instanceSchema = z.object({ status: z.string() });

/** https://cloud.google.com/apis/design/errors#http_mapping, in the older form that Compute Engine has. */
const refusalSchema = z.object({
  error: z.object({
    message: z.string(),
    errors: z.array(z.object({ reason: z.string() })).default([]),
  }),
});

/** Nothing is loaded or asked before the first call. `endpoint`: what the machine's name is put behind. */
export function openComputeInstance(name: InstanceName, endpoint: string): ComputeInstance {
  const url = `${endpoint.replace(/\/*$/, '/')}${formatInstanceName(name)}`;
  let client: Promise<Compute> | undefined;

  async function call(method: 'GET' | 'POST', address: string): Promise<unknown> {
    client ??= import('google-auth-library').then(({ Compute }) => new Compute({ scopes: [SCOPE] }));
    const compute = await client;
    const { retry, httpMethodsToRetry, least, most } = RETRY;
    const retryDelay = least + Math.random() * (most - least);
    const retryConfig = { retry, httpMethodsToRetry, retryDelay };
    const answer = compute.request({ url: address, method, timeout: PATIENCE_MS, retryConfig });
    return (await within(LIMIT_MS, answer)).data;
  }

  return {
    name,

    async state() {
      try {
        const { status } = instanceSchema.parse(await call('GET', `${url}?fields=status`));
        const state = STATES[status];
        if (state !== undefined) return state;
        throw new ConfigurationError(
          `${formatInstanceName(name)} (DERIVERY_WORKER_INSTANCE) is ${status}, and is not started from there: resume it, or stop it`,
        );
      } catch (error) {
        throw explained(error, name);
      }
    },

    async start() {
      try {
        await call('POST', `${url}/start`);
        return 'accepted';
      } catch (error) {
        if (refusalOf(error)?.reasons.has('resourceNotReady')) return 'not-ready';
        throw explained(error, name);
      }
    },
  };
}

interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly reasons: ReadonlySet<string>;
}

/** What Compute Engine will not do however often it is asked. 408 and 429 pass. */
function refusalOf(error: unknown): Refusal | undefined {
  const answered = z
    .object({ response: z.object({ status: z.number(), data: z.unknown() }) })
    .safeParse(error).data?.response;
  if (answered === undefined) return undefined;
  const { status, data } = answered;
  if (status < 400 || status >= 500 || status === 408 || status === 429) return undefined;
  const told = refusalSchema.safeParse(data).data?.error;
  return {
    status,
    message: told?.message ?? `it answers ${status}`,
    reasons: new Set(told?.errors.map(({ reason }) => reason)),
  };
}

function explained(error: unknown, name: InstanceName): Error {
  if (error instanceof ConfigurationError) return error;
  const refusal = refusalOf(error);
  if (refusal === undefined) {
    return new TransientError('Compute Engine does not say how the worker’s machine stands', {
      cause: error,
    });
  }
  const wayOut: Readonly<Record<number, string>> = {
    401: 'let this function run as a service account that may start it',
    403: 'grant compute.instances.get and compute.instances.start on it to the service account of this function',
    404: 'name the machine that there is, or none where workers are there all the time',
  };
  const hint = wayOut[refusal.status] ?? 'see what it has against it';
  return new ConfigurationError(
    `${formatInstanceName(name)} (DERIVERY_WORKER_INSTANCE) cannot be started: ${hint}. Compute Engine says: ${refusal.message}`,
  );
}
