// A stand-in for Compute Engine: one machine, of which it says how it stands, and which it starts.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { startHttpServer } from '../http-server.ts';
import type { Machine } from './machine.ts';

export interface ComputeOptions {
  /** `projects/PROJECT/zones/ZONE/instances/NAME`: what the machine is called. */
  readonly instance: string;
  readonly machine: Machine;
}

export interface ComputeServer {
  /** What the client puts the machine's name behind. */
  readonly endpoint: string;
  /** Calls that came, in their order: `get 200`, `start 403`. */
  readonly calls: readonly string[];
  /** From now on nobody has this permission; undefined: everybody has all, as from the beginning. */
  readonly forbid: (permission: string | undefined) => void;
  /** Answers so many calls with 503. */
  readonly fail: (calls: number) => void;
  readonly close: () => Promise<void>;
}

type Answer = readonly [status: number, body: object];

const ROOT = '/compute/v1/';

/**
 * Starts a stand-in for compute.googleapis.com on 127.0.0.1, for whoever has any bearer token. It knows `instances.get`, of which it
 * tells the status, and `instances.start`. That there is no machine to be had, which an operation says later, does not occur.
 */
export async function startCompute({ instance, machine }: ComputeOptions): Promise<ComputeServer> {
  const calls: string[] = [];
  let forbidden: string | undefined;
  let failures = 0;

  function get(): Answer {
    return [200, { kind: 'compute#instance', name: instance.split('/').at(-1), status: machine.status }];
  }

  function start(): Answer {
    return machine.start() === 'not-ready'
      ? refusal(400, 'resourceNotReady', `The resource '${instance}' is not ready`)
      : [200, { kind: 'compute#operation', operationType: 'start', status: 'RUNNING' }];
  }

  function answer({ headers }: IncomingMessage, path: string, method: 'get' | 'start'): Answer {
    if (!/^Bearer \S+$/i.test(headers.authorization ?? ''))
      return refusal(401, 'required', 'Login Required.');
    if (failures > 0) {
      failures -= 1;
      return refusal(503, 'backendError', 'Visibility check was unavailable. Please retry.');
    }
    if (forbidden === `compute.instances.${method}`) {
      return refusal(403, 'forbidden', `Required '${forbidden}' permission for '${instance}'`);
    }
    if (path !== `${ROOT}${instance}`) {
      return refusal(404, 'notFound', `The resource '${path.slice(ROOT.length)}' was not found`);
    }
    return method === 'get' ? get() : start();
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const method = methodOf(request, path);
    const [status, body] =
      method === undefined
        ? refusal(501, 'notImplemented', 'The local stand-in for Compute Engine does not do this.')
        : answer(request, path.replace(/\/start$/, ''), method);
    calls.push(`${method} ${status}`);
    response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' });
    response.end(JSON.stringify(body));
  }

  const server = await startHttpServer(serve);
  return {
    endpoint: `${server.url}${ROOT}`,
    calls,
    forbid: permission => void (forbidden = permission),
    fail: count => void (failures = count),
    close: () => server.close(),
  };
}

function methodOf({ method }: IncomingMessage, path: string): 'get' | 'start' | undefined {
  if (!path.startsWith(ROOT)) return undefined;
  const isStart = path.endsWith('/start');
  if (method === 'GET' && !isStart) return 'get';
  return method === 'POST' && isStart ? 'start' : undefined;
}

/** https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-api: the form that the older APIs of Google's have. */
function refusal(code: number, reason: string, message: string): Answer {
  return [code, { error: { code, message, errors: [{ message, domain: 'global', reason }] } }];
}
