// The registry behind a socket: on Node's own server, and under Google's functions framework as it runs in the cloud.
import { createServer, request as sendRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { after, before, beforeEach, describe } from 'node:test';
import { http, type HttpFunction } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { openBlobs } from '#core/google/blobs.ts';
import { openBuildLogs } from '#core/google/build-logs.ts';
import { openManifests } from '#core/google/manifests.ts';
import { openQuotas } from '#core/google/quotas.ts';
import type { PullPolicy } from '#core/pull-decision.ts';
import { createAsking } from '#functions/asking.ts';
import { anonymousAccess } from '#functions/registry/auth/anonymous-access.ts';
import { publicAddresses } from '#functions/registry/blob-addresses.ts';
import { clientAddressBehind } from '#functions/registry/client-address.ts';
import { createHops } from '#functions/registry/hop.ts';
import { openAccounts, type CallerLimits } from '#functions/registry/limits/account.ts';
import { createAdmission, type Admit } from '#functions/registry/limits/admission.ts';
import { watchFirstRequests } from '#functions/registry/limits/first-requests.ts';
import { createNewBuilds } from '#functions/registry/limits/new-builds.ts';
import { createPullRate } from '#functions/registry/limits/pull-rate.ts';
import { createOpenRequests } from '#functions/registry/open-requests.ts';
import { openKnownTags } from '#functions/registry/known-tags.ts';
import { openRefLists } from '#functions/registry/ref-lists.ts';
import { createRegistry, type RegistryParts, type RequestHandler } from '#functions/registry/registry.ts';
import { createSendOn } from '#functions/registry/send-on.ts';
import { createWaiting, type Waiting, type WaitingParts } from '#functions/registry/waiting.ts';
import { createWaitingRoom } from '#functions/registry/waiting-room.ts';
import { createWantedImages } from '#functions/registry/wanted-images.ts';
import { NO_MACHINE } from '#functions/worker-machine/worker-machine.ts';
import { collectLog } from '#test/collected-log.ts';
import { Cloud } from '#test/cloud.ts';
import { offerOf, SETTINGS } from '#test/core/deployment.ts';
import { followedUses, type FollowedUses } from './followed-uses.ts';

// As Cloud Run sets it: otherwise Express answers errors with stack traces.
process.env['NODE_ENV'] = 'production';

export const BASE_URL = 'https://storage.example.org/bucket/blobs';

/** What a registry goes by where nothing else is said. */
export const POLICY: PullPolicy = { settings: SETTINGS, freshMs: 6 * 3_600_000, staleMs: 7 * 24 * 3_600_000 };

/** What hops are signed with: all registries of a test are instances of one deployment. */
export const HOPS = createHops(['a secret that every instance here knows']);

/** Everyone may have as much as they like. */
export const NO_LIMITS: CallerLimits = {
  newBuildsPerHour: Infinity,
  pullsPerMinute: Infinity,
  waitingPulls: Infinity,
};

/** Lets callers in who may have so much, and as much as they like of the rest: one instance of a deployment of its own. */
export function admission(limits: Partial<CallerLimits> = {}): Admit {
  const each = { ...NO_LIMITS, ...limits };
  return createAdmission({
    accountOf: openAccounts({ anonymous: each, user: each }, 'a secret that every instance here knows'),
    isFirstRequest: watchFirstRequests(),
    pullRate: createPullRate(),
  });
}

type ServerKind = 'node:http' | 'functions-framework';

/** An answer, as it came. */
export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Sending {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Cuts the connection. */
  readonly signal?: AbortSignal;
}

export class Served implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly kind: ServerKind;
  /** What the registry logged. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  readonly #server: Server;
  readonly #lastUses: FollowedUses;

  private constructor(
    cloud: Cloud,
    kind: ServerKind,
    server: Server,
    lines: readonly Readonly<Record<string, unknown>>[],
    lastUses: FollowedUses,
  ) {
    this.cloud = cloud;
    this.kind = kind;
    this.#server = server;
    this.lines = lines;
    this.#lastUses = lastUses;
  }

  static async start(
    kind: ServerKind,
    cloud: Cloud,
    holdMs: number,
    overrides: Partial<RegistryParts> = {},
  ): Promise<Served> {
    const { log, lines } = collectLog();
    const { images, sources, hints } = cloud;
    const asking = createAsking({ images, sources, hints, policy: POLICY, log });
    const offer = overrides.offer ?? offerOf();
    const manifests = overrides.manifests ?? openManifests(cloud.firestore);
    const lastUses = followedUses({ images, manifests, log, notedEveryMs: 3_600_000 });
    const readRefList = openRefLists({ sources, asking, freshMs: POLICY.freshMs, log });
    const handler = createRegistry({
      log,
      offer,
      wantImage: createWantedImages(offer, SETTINGS),
      manifests,
      lastUses,
      blobs: openBlobs(cloud.firestore),
      blobAddress: publicAddresses(BASE_URL),
      headDigest: 'sent',
      readKnownTags: openKnownTags(offer.sources, readRefList),
      buildLogs: openBuildLogs(cloud.firestore),
      waiting: waitingOn(cloud, { log }),
      holdMs: { short: holdMs, long: holdMs },
      hops: HOPS,
      sendOn: createSendOn({ hops: HOPS, totalWaitMs: 60_000, retryAfterSeconds: 5 }),
      access: anonymousAccess(clientAddressBehind(0)),
      admit: admission(),
      openRequests: createOpenRequests(),
      ...overrides,
    });
    const server = kind === 'node:http' ? plainServer(handler) : frameworkServer(handler);
    // On a busy machine Node's five seconds end between two requests of a test, at the moment of the second.
    server.keepAliveTimeout = 600_000;
    await new Promise<void>(resolve => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return new Served(cloud, kind, server, lines, lastUses);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Sends a request for a target exactly as given, follows nothing, and reads the whole answer. */
  send(target: string, { method = 'GET', headers = {}, body = '', signal }: Sending = {}): Promise<Received> {
    return new Promise((resolve, reject) => {
      const options = { port: this.port, host: '127.0.0.1', path: target, method, headers, signal };
      const request = sendRequest(options, response => {
        buffer(response).then(
          bytes => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes }),
          reject,
        );
      });
      request.once('error', reject);
      request.end(body);
    });
  }

  /**
   * Writes bytes to a new connection; answers what comes back until the server ends it. Our own end follows at once, or
   * with `leaveOpen` never: then the bytes have to ask for `connection: close`.
   */
  async sendRaw(bytes: string | Buffer, { leaveOpen = false } = {}): Promise<string> {
    const socket = connect({ port: this.port, host: '127.0.0.1', allowHalfOpen: true });
    // A server that refuses may reset the connection while we still write: what it said until then is its answer.
    let answer = '';
    socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
    const closed = new Promise<void>(resolve => {
      socket.once('close', () => resolve());
      socket.once('error', () => resolve());
    });
    if (leaveOpen) socket.once('end', () => socket.end()).write(bytes);
    else socket.end(bytes);
    await closed;
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>(resolve => {
      this.#server.close(() => resolve());
    });
    this.#server.closeAllConnections();
    await closed;
    await this.#lastUses.ended();
  }
}

/** Runs tests on both servers, which share one cloud. */
export function onBothServers(title: string, holdMs: number, tests: (served: () => Served) => void): void {
  for (const kind of ['node:http', 'functions-framework'] as const) {
    describe(`${title}, on ${kind}`, () => {
      let cloud: Cloud;
      let served: Served;
      before(async () => {
        cloud = await Cloud.start();
        served = await Served.start(kind, cloud, holdMs);
      });
      after(async () => {
        await served[Symbol.asyncDispose]();
        await cloud[Symbol.asyncDispose]();
      });
      // Express logs each refusal of its own with its stack: to us, not to the client.
      beforeEach(context => {
        if ('mock' in context) context.mock.method(console, 'error', () => undefined);
      });
      tests(() => served);
    });
  }
}

/** How a registry waits on a cloud, with some parts of it replaced. */
export function waitingOn(
  { firestore, images, sources, hints, readPullState }: Cloud,
  parts: Pick<WaitingParts, 'log'> & Partial<WaitingParts>,
): Waiting {
  const room = createWaitingRoom(1_000);
  const newBuilds = createNewBuilds(openQuotas(firestore), 10_000);
  const lastUses = { image: () => undefined, manifest: () => undefined };
  const common = {
    images,
    hints,
    machine: NO_MACHINE,
    readPullState,
    policy: POLICY,
    room,
    newBuilds,
    lastUses,
  };
  const all = { ...common, readLimitMs: 10_000, cacheMs: 0, ...parts };
  return createWaiting({ ...all, asking: createAsking({ ...all, sources }) });
}

function plainServer(handler: RequestHandler): Server {
  return createServer((request, response) => void handler(request, response));
}

function frameworkServer(handler: RequestHandler): Server {
  const name = `registry-${randomUUID()}`;
  http(name, handler as HttpFunction);
  return getTestServer(name);
}
