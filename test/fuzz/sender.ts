// Sends what may come, and says what became of it.
import { Agent, request as sendRequest } from 'node:http';
import { connect } from 'node:net';
import type { StrayRequest } from './stray-requests.ts';

export interface Outcome {
  readonly request: StrayRequest;
  /** Absent where the connection was ended without a word, which only bytes that are no request deserve. */
  readonly status: number | undefined;
  readonly verdict: 'answered' | '5xx' | 'no answer';
  /** Whether the client was sent round to wait for a build. */
  readonly startedBuild: boolean;
  readonly milliseconds: number;
}

/** No answer takes longer that does not wait for a build, and the hold is short here. Milliseconds. */
const PATIENCE_MS = 20_000;

interface Heard {
  readonly status: number | undefined;
  readonly location: string;
  readonly isMissing: boolean;
}

export function openSender(port: number, connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });

  function sendProperly({ method, target, headers }: StrayRequest & { kind: 'request' }): Promise<Heard> {
    return new Promise(resolve => {
      const none = (): void => resolve({ status: undefined, location: '', isMissing: true });
      const options = { agent, host: '127.0.0.1', port, method, path: target, headers, timeout: PATIENCE_MS };
      const request = sendRequest(options, response => {
        const { statusCode: status, headers: answered } = response;
        response
          .resume()
          .once('end', () => resolve({ status, location: answered.location ?? '', isMissing: false }));
        response.once('error', none);
      });
      request.once('timeout', () => request.destroy());
      request.once('error', none);
      request.end();
    });
  }

  function sendBytes({ bytes }: StrayRequest & { kind: 'bytes' }): Promise<Heard> {
    return new Promise(resolve => {
      let answer = '';
      let isLate = false;
      const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, timeout: PATIENCE_MS });
      socket.once('timeout', () => {
        isLate = true;
        socket.destroy();
      });
      socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
      // A server that refuses may reset the connection: what it said until then is its answer.
      socket.once('error', () => undefined);
      socket.once('close', () => {
        const [, status] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? [];
        const [, location = ''] = /^location: (.*)$/im.exec(answer) ?? [];
        resolve({ status: status === undefined ? undefined : Number(status), location, isMissing: isLate });
      });
      socket.end(bytes, 'latin1');
    });
  }

  return {
    async send(request: StrayRequest): Promise<Outcome> {
      const start = performance.now();
      const heard = await (request.kind === 'request' ? sendProperly(request) : sendBytes(request));
      const { status, location, isMissing } = heard;
      return {
        request,
        status,
        verdict: isMissing ? 'no answer' : (status ?? 0) >= 500 ? '5xx' : 'answered',
        startedBuild: status === 429 || /[?&]wait=/.test(location),
        milliseconds: performance.now() - start,
      };
    },
  };
}
