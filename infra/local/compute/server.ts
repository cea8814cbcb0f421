// A stand-in for Compute Engine: one machine, of which it says how it stands, and which it starts.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { startHttpServer } from '../http-server.ts';

/** https://cloud.google.com/compute/docs/instances/instance-lifecycle */
export type MachineStatus = 'TERMINATED' | 'STAGING' | 'RUNNING' | 'STOPPING';

/** What goes on in each state; the next one begins when it ends. A machine that runs stops by itself when its program has ended. */
export interface MachineLife {
  readonly staging?: () => Promise<void>;
  readonly running: () => Promise<void>;
  readonly stopping?: () => Promise<void>;
}

export interface ComputeOptions {
  /** `projects/PROJECT/zones/ZONE/instances/NAME`: the machine that there is. */
  readonly instance: string;
  readonly life: MachineLife;
}

export interface ComputeServer {
  /** What the client puts the machine's name behind. */
  readonly endpoint: string;
  readonly status: MachineStatus;
  /** Calls that came, in their order: `GET`, or `start`, and what was answered. */
  readonly calls: readonly string[];
  /** Refuses from now on who is not named to have the permission, as all are where nothing is said; undefined lets all again. */
  forbid(permission: string | undefined): void;
  /** Answers so many calls with 503. */
  fail(calls: number): void;
  /** Resolves when the machine stands so; at once where it does. */
  until(status: MachineStatus): Promise<void>;
  close(): Promise<void>;
}

type Answer = readonly [status: number, body: object];

/**
 * Starts a stand-in for compute.googleapis.com on 127.0.0.1, for whoever has any bearer token. It knows `instances.get`, of which it
 * tells the status, and `instances.start`. A start that is refused later, for want of a machine, does not occur.
 */
export async function startCompute({ instance, life }: ComputeOptions): Promise<ComputeServer> {
  const path = `/compute/v1/${instance}`;
  const calls: string[] = [];
  let status: MachineStatus = 'TERMINATED';
  let changed = Promise.withResolvers<void>();
  let forbidden: string | undefined;
  let failures = 0;
  let broken: unknown;

  function enter(next: MachineStatus): void {
    status = next;
    changed.resolve();
    changed = Promise.withResolvers();
  }

  async function live(): Promise<void> {
    enter('STAGING');
    await life.staging?.();
    enter('RUNNING');
    await life.running();
    enter('STOPPING');
    await life.stopping?.();
    enter('TERMINATED');
  }

  function breakDown(error: unknown): void {
    broken = error;
    changed.resolve();
  }

  function get(): Answer {
    return [200, { kind: 'compute#instance', name: instance.split('/').at(-1), status }];
  }

  /** Where it runs or is about to, an operation that has nothing to do. */
  function start(): Answer {
    if (status === 'STOPPING') {
      return refusal(400, 'resourceNotReady', `The resource '${instance}' is not ready`);
    }
    if (status === 'TERMINATED') live().catch(breakDown);
    return [200, { kind: 'compute#operation', operationType: 'start', status: 'RUNNING' }];
  }

  function answer(request: IncomingMessage): Answer {
    const [asked = ''] = (request.url ?? '').split('?', 1);
    const method = request.method === 'GET' ? 'get' : request.method === 'POST' ? 'start' : undefined;
    if (method === undefined || !asked.startsWith('/compute/v1/')) {
      return refusal(501, 'notImplemented', 'The local stand-in for Compute Engine does not do this.');
    }
    if (!/^Bearer \S+$/i.test(request.headers.authorization ?? '')) {
      return refusal(401, 'required', 'Login Required.');
    }
    if (failures > 0) {
      failures -= 1;
      return refusal(503, 'backendError', 'Visibility check was unavailable. Please retry.');
    }
    if (forbidden === `compute.instances.${method}`) {
      return refusal(403, 'forbidden', `Required '${forbidden}' permission for '${instance}'`);
    }
    if (asked !== (method === 'get' ? path : `${path}/start`)) {
      return refusal(404, 'notFound', `The resource '${asked.slice('/compute/v1/'.length)}' was not found`);
    }
    return method === 'get' ? get() : start();
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [code, body] = answer(request);
    calls.push(`${request.method === 'GET' ? 'get' : 'start'} ${code}`);
    response.writeHead(code, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(body));
  }

  const server = await startHttpServer(serve);
  return {
    endpoint: `${server.url}/compute/v1/`,
    get status() {
      return status;
    },
    calls,
    forbid: permission => void (forbidden = permission),
    fail: count => void (failures = count),
    async until(wanted) {
      while (status !== wanted) {
        if (broken !== undefined) throw broken;
        await changed.promise;
      }
    },
    close: () => server.close(),
  };
}

/** https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-api: the form that the older APIs of Google's have. */
function refusal(code: number, reason: string, message: string): Answer {
  return [code, { error: { code, message, errors: [{ message, domain: 'global', reason }] } }];
}
