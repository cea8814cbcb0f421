// The registry as one request handler: route, dispatch, answer. Every error becomes an answer here.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RegistryError, TransientError } from '#core/errors.ts';
import { isUnreachable, READ_LIMIT_MS, within } from '#core/google/firestore.ts';
import type { Log } from '#core/google/log.ts';
import { AskingClient } from './asking-client.ts';
import { errorAnswer, privateAnswer, writeAnswer, type Answer } from './answer.ts';
import type { Access } from './auth/access.ts';
import { blob, type BlobParts } from './blobs.ts';
import { buildLog, type BuildLogParts } from './build-log.ts';
import type { Caller } from './caller.ts';
import { unlessKnown } from './conditional.ts';
import type { Hops } from './hop.ts';
import { landingPage } from './landing-page.ts';
import { manifestByDigest, manifestByTag, type ManifestParts } from './manifests.ts';
import type { OpenRequests } from './open-requests.ts';
import { referrers } from './referrers.ts';
import { isTokenTarget, ONLY_READING, parseRoute, type PullRoute } from './route.ts';
import { tagList, type TagListParts } from './tag-list.ts';
import { originForm, queryOf } from './target.ts';

export interface RegistryParts extends ManifestParts, BlobParts, BuildLogParts, TagListParts {
  readonly log: Log;
  readonly hops: Hops;
  readonly access: Access;
  readonly openRequests: OpenRequests;
  /**
   * Whether HEAD says the digest. Behind a front end that strips the length of HEAD's answers it must not: docker, containerd
   * and crane then take GET's, where both are, while an answer with one of the two is an error to them.
   */
  readonly headDigest: 'sent' | 'withheld';
}

export type RequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<void> | undefined;

/**
 * What is at hand is answered in the same turn and without a promise: functions-framework's domains watch each of them until it
 * is collected, at several times the price of the answer.
 */
export function createRegistry(parts: RegistryParts): RequestHandler {
  const { openRequests } = parts;
  return (request, response) => {
    const method = request.method ?? '';
    const target = originForm(request.url ?? '/');
    const asking = new AskingClient(request, response, target, parts.hops);
    const write = (answer: Answer): void => {
      // It may be gone, or sent on meanwhile.
      if (response.headersSent || response.destroyed) return;
      const known = unlessKnown(answer, request.headers['if-none-match']);
      const isBare = method === 'HEAD' && parts.headDigest === 'withheld';
      writeAnswer(response, method, isBare ? withoutDigest(known) : known);
    };
    const refuse = (error: unknown): void => write(errorAnswer(toRegistryError(error, parts.log, target)));
    const sendOn = (): void => {
      try {
        write(parts.sendOn.elsewhere(asking.hop, asking.patience));
      } catch (error) {
        refuse(error);
      }
    };
    const writeInTime = async (answer: Promise<Answer>): Promise<void> => {
      using _open = openRequests.add(sendOn);
      try {
        write(await answer);
      } catch (error) {
        refuse(error);
      }
    };
    try {
      if (openRequests.isEnding) sendOn();
      else {
        const answer = answerTo(parts, request, target, asking);
        if (answer instanceof Promise) return writeInTime(answer);
        write(answer);
      }
    } catch (error) {
      refuse(error);
    }
    return undefined;
  };
}

/** What is open to everyone; all else is for those who may pull. */
function answerTo(
  parts: RegistryParts,
  request: IncomingMessage,
  target: string,
  asking: AskingClient,
): Answer | Promise<Answer> {
  const method = request.method ?? '';
  requireMethod(method, target);
  const route = parseRoute(target);
  switch (route.kind) {
    case 'landing-page':
      return landingPage(parts.offer, asking.headers.host ?? '');
    case 'build-log':
      return within(READ_LIMIT_MS, buildLog(parts, route.id));
    case 'token':
      return parts.access.token(request);
    default: {
      const answer = (caller: Caller) => answerToCaller(parts, route, method, target, asking, caller);
      const caller = parts.access.callerOf(request, 'name' in route ? route.name : undefined);
      return caller instanceof Promise ? answerInTime(caller, answer) : answer(caller);
    }
  }
}

async function answerInTime(
  asked: Promise<Caller>,
  answerCaller: (caller: Caller) => Answer | Promise<Answer>,
): Promise<Answer> {
  const caller = await asked;
  const answer = await answerCaller(caller);
  return caller.kind === 'user' ? privateAnswer(answer) : answer;
}

function answerToCaller(
  parts: RegistryParts,
  route: PullRoute,
  method: string,
  target: string,
  asking: AskingClient,
  caller: Caller,
): Answer | Promise<Answer> {
  switch (route.kind) {
    case 'api-version':
      return { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' };
    case 'manifest-by-tag':
      return manifestByTag(parts, route, asking, caller);
    case 'manifest-by-digest':
      return manifestByDigest(parts, route.digest);
    case 'blob':
      return within(READ_LIMIT_MS, blob(parts, route.digest, method));
    case 'tags':
      return within(READ_LIMIT_MS, tagList(parts, route.name, target));
    case 'referrers':
      return referrers(queryOf(target));
  }
}

function requireMethod(method: string, target: string): void {
  if (method === 'GET' || method === 'HEAD' || (method === 'POST' && isTokenTarget(target))) return;
  throw new RegistryError(405, 'UNSUPPORTED', ONLY_READING, {
    allow: isTokenTarget(target) ? 'GET, HEAD, POST' : 'GET, HEAD',
  });
}

function withoutDigest({ headers, ...answer }: Answer): Answer {
  const { 'docker-content-digest': _, ...others } = headers;
  return { ...answer, headers: others };
}

/** Trouble of ours: a service out of reach is 503; what we did not foresee is 500, both with an id that the log has too, and nothing else of it. */
function toRegistryError(error: unknown, log: Log, target: string): RegistryError {
  if (error instanceof RegistryError) return error;
  const id = randomUUID();
  log.error({ error, errorId: id, target: loggable(target) }, 'a request failed');
  if (isUnreachable(error) || error instanceof TransientError) {
    return new RegistryError(
      503,
      'UNAVAILABLE',
      `the registry's own store cannot be reached; the log has it as ${id}`,
      {
        'retry-after': '5',
      },
    );
  }
  return new RegistryError(500, 'UNKNOWN', `something went wrong here; the log has it as ${id}`);
}

/** A target as far as it may be logged: what stands in the query of the token endpoint may be anybody's secret. */
function loggable(target: string): string {
  const [path = ''] = target.split('?', 1);
  return (isTokenTarget(target) ? path : target).slice(0, 300);
}
