// Firestore's protocol without the client library: one call is one request, nothing is retried or checked before.
import { randomUUID } from 'node:crypto';
import {
  Client,
  credentials,
  Metadata,
  type ClientDuplexStream,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { WIRE_OPTIONS } from '#local/firestore/wire.ts';
import { descriptorOf } from '#local/grpc-server.ts';

export const PROJECT = 'contract';
export const DATABASE = `projects/${PROJECT}/databases/(default)`;
export const ROOT = `${DATABASE}/documents`;

const SERVICE = 'google.firestore.v1.Firestore';

export class RawClient {
  readonly #client: Client;
  readonly #methods: ServiceDefinition;
  readonly #metadata = new Metadata();

  private constructor(address: string, methods: ServiceDefinition) {
    this.#client = new Client(address, credentials.createInsecure());
    this.#methods = methods;
    // What the official emulator wants to see: an owner, and the database, which streams are routed by.
    this.#metadata.set('authorization', 'Bearer owner');
    this.#metadata.set('google-cloud-resource-prefix', DATABASE);
  }

  static async connect(address: string): Promise<RawClient> {
    const descriptor = await descriptorOf('@google-cloud/firestore', 'build/protos/v1.json');
    const methods = fromJSON(descriptor, WIRE_OPTIONS)[SERVICE] as ServiceDefinition;
    return new RawClient(address, methods);
  }

  call<Answer>(method: string, request: object): Promise<Answer> {
    const { path, requestSerialize, responseDeserialize } = this.#method(method);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      this.#metadata,
      (error, answer) => {
        if (error) reject(error);
        else resolve(answer as Answer);
      },
    );
    return promise;
  }

  /** All answers of a method that streams them. */
  async collect<Answer>(method: string, request: object): Promise<Answer[]> {
    const { path, requestSerialize, responseDeserialize } = this.#method(method);
    const stream = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      this.#metadata,
    );
    const answers: Answer[] = [];
    for await (const answer of stream) answers.push(answer as Answer);
    return answers;
  }

  open(method: string): ClientDuplexStream<object, object> {
    const { path, requestSerialize, responseDeserialize } = this.#method(method);
    return this.#client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      this.#metadata,
    ) as ClientDuplexStream<object, object>;
  }

  close(): void {
    this.#client.close();
  }

  #method(name: string): ServiceDefinition[string] {
    const method = this.#methods[name];
    if (!method) throw new Error(`${SERVICE} has no method ${name}`);
    return method;
  }
}

/** The name of a collection that no other test uses. */
export function freshCollection(): string {
  return `collection-${randomUUID()}`;
}
