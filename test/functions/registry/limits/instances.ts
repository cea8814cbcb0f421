// Several instances of one registry behind a front end, and callers at addresses of their own.
import type { TestContext } from 'node:test';
import type { RequestKey } from '#core/image-request.ts';
import { anonymousAccess } from '#functions/registry/auth/anonymous-access.ts';
import { clientAddressBehind } from '#functions/registry/client-address.ts';
import type { CallerLimits } from '#functions/registry/limits/account.ts';
import type { WaitingParts } from '#functions/registry/waiting.ts';
import { collectLog } from '#test/collected-log.ts';
import type { Cloud } from '#test/cloud.ts';
import { admission, Served, waitingOn, type Received } from '../served.ts';

/** So short that a pull that waits is sent on at once. Milliseconds. */
const HOLD = 20;

let addresses = 0;

/** An address that no other test pulls from: quotas are kept for an hour. */
export function newAddress(): string {
  addresses += 1;
  return `10.${addresses >> 16}.${(addresses >> 8) & 255}.${addresses & 255}`;
}

export class Instances {
  readonly #cloud: Cloud;
  readonly #served: readonly Served[];

  private constructor(cloud: Cloud, served: readonly Served[]) {
    this.#cloud = cloud;
    this.#served = served;
  }

  static async start(
    cloud: Cloud,
    context: Pick<TestContext, 'after'>,
    count: number,
    limits: Partial<CallerLimits>,
    parts: Partial<WaitingParts> = {},
  ): Promise<Instances> {
    const served = await Promise.all(
      Array.from({ length: count }, () =>
        Served.start('node:http', cloud, HOLD, {
          access: anonymousAccess(clientAddressBehind(1)),
          admit: admission(limits),
          // Each with a memory of its own.
          waiting: waitingOn(cloud, { log: collectLog().log, ...parts }),
        }),
      ),
    );
    const instances = new Instances(cloud, served);
    context.after(() => Promise.all(served.map(one => one[Symbol.asyncDispose]())));
    return instances;
  }

  /** One request of one pull, at the instance with this number. `target`: a name, or all that stands behind `/v2/`. */
  pull(address: string, target: string, instance = 0): Promise<Received> {
    const served = this.#served[instance % this.#served.length];
    if (served === undefined) throw new Error('there is no instance');
    const path = target.includes('manifests/') ? target : `/v2/${target}/manifests/latest`;
    // What the client forwards itself stands before what the front end saw.
    return served.send(path, { headers: { 'x-forwarded-for': `127.0.0.1, ${Math.random()}, ${address}` } });
  }

  /** Which of these images are being built. */
  async underWay(keys: readonly RequestKey[]): Promise<RequestKey[]> {
    const seen = await this.#cloud.images.readAll(keys);
    return keys.filter((_, at) => seen[at]?.document?.build.state === 'queued');
  }

  /** How many new builds each caller was counted who ever was, by the id of their account. */
  async quotas(): Promise<Map<string, number>> {
    const { docs } = await this.#cloud.firestore.collection('quotas').get();
    return new Map(docs.map(one => [one.id, (one.get('startedAt') as unknown[]).length]));
  }
}
