// A gRPC server for a Google service, from the descriptor that ships inside Google's own client library.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { fromJSON, type Options } from '@grpc/proto-loader';

export const { status } = grpc;
export type Status = grpc.status;

/** An error that the client sees with this gRPC status; anything else thrown by a handler becomes INTERNAL. */
export class RpcError extends Error {
  readonly code: Status;
  constructor(code: Status, message: string) {
    super(message);
    this.name = 'RpcError';
    this.code = code;
  }
}

/** Throws an {@link RpcError}: for use in expressions. */
export function fail(code: Status, message: string): never {
  throw new RpcError(code, message);
}

/** How gRPC is told of any thrown value. */
export function toStatusObject(error: unknown): grpc.StatusObject {
  const code = error instanceof RpcError ? error.code : status.INTERNAL;
  const details = error instanceof Error ? error.message : String(error);
  return { code, details, metadata: new grpc.Metadata() };
}

/** A message on the wire. Services narrow it to their own types at their edge. */
export type Message = object;
/** `cancelled` tells a handler that waits that its client has gone away. */
export type UnaryHandler = (request: never, cancelled: AbortSignal) => Message | Promise<Message>;
export type ServerStreamHandler = (request: never) => AsyncIterable<Message>;
export type BidiCall = grpc.ServerDuplexStream<Message, Message>;

/** The methods of a service that a stand-in implements; gRPC answers UNIMPLEMENTED for all others. */
export interface ServiceHandlers {
  readonly unary?: Readonly<Record<string, UnaryHandler>>;
  readonly serverStream?: Readonly<Record<string, ServerStreamHandler>>;
  readonly bidi?: Readonly<Record<string, (call: BidiCall) => void>>;
}

export interface Service {
  readonly definition: grpc.ServiceDefinition;
  readonly implementation: grpc.UntypedServiceImplementation;
}

/**
 * Reads a protobuf descriptor (JSON form) out of an installed package. Google's packages hide the file behind
 * their `exports`, so it is found by path: `descriptorOf('@google-cloud/firestore', 'build/protos/v1.json')`.
 */
export async function descriptorOf(packageName: string, file: string): Promise<object> {
  const entry = createRequire(import.meta.url).resolve(packageName);
  const marker = join('node_modules', ...packageName.split('/'));
  const root = entry.slice(0, entry.lastIndexOf(marker) + marker.length);
  return JSON.parse(await readFile(join(root === '' ? dirname(entry) : root, file), 'utf8')) as object;
}

/** Binds handlers to the service `name` (`google.firestore.v1.Firestore`) of a descriptor. */
export function bindService(
  descriptor: object,
  name: string,
  handlers: ServiceHandlers,
  options: Options,
): Service {
  // proto-loader changes the object it is given.
  const definition = fromJSON(structuredClone(descriptor) as never, options)[name] as grpc.ServiceDefinition;
  const implementation: grpc.UntypedServiceImplementation = {};
  for (const [method, handler] of Object.entries(handlers.unary ?? {}))
    implementation[method] = unary(handler);
  for (const [method, handler] of Object.entries(handlers.serverStream ?? {})) {
    implementation[method] = serverStream(handler);
  }
  Object.assign(implementation, handlers.bidi);
  const unknown = Object.keys(implementation).filter(method => !(method in definition));
  if (unknown.length > 0) throw new Error(`${name} has no method ${unknown.join(', ')}`);
  return { definition, implementation };
}

function unary(handler: UnaryHandler): grpc.handleUnaryCall<object, Message> {
  return (call, callback) => {
    const cancellation = new AbortController();
    call.on('cancelled', () => cancellation.abort());
    void Promise.resolve(call.request)
      .then(request => handler(request as never, cancellation.signal))
      .then(
        answer => callback(null, answer),
        (error: unknown) => callback(toStatusObject(error)),
      );
  };
}

function serverStream(handler: ServerStreamHandler): grpc.handleServerStreamingCall<object, Message> {
  return call => {
    const pump = async (): Promise<void> => {
      for await (const message of handler(call.request as never)) call.write(message);
      call.end();
    };
    pump().catch((error: unknown) => call.emit('error', toStatusObject(error)));
  };
}

export interface GrpcServer {
  readonly port: number;
  /** `host:port`, the form of Google's emulator host variables. */
  readonly address: string;
  /** Takes no more calls; resolves once the open ones have ended and their answers have gone out. */
  drain(): Promise<void>;
  /** Cuts every stream with UNAVAILABLE, which clients take as a reason to come back. */
  close(): void;
}

/** Listens on loopback; port 0 picks a free one. */
export async function listenGrpc(
  services: readonly Service[],
  port = 0,
  host = '127.0.0.1',
): Promise<GrpcServer> {
  const server = new grpc.Server({
    'grpc.max_receive_message_length': 32 << 20,
    'grpc.max_send_message_length': -1,
  });
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, grpc.ServerCredentials.createInsecure(), (error, boundPort) => {
      if (error) reject(error);
      else resolve(boundPort);
    });
  });
  return {
    port: bound,
    address: `${host}:${bound}`,
    drain: () => promisify(server.tryShutdown.bind(server))(),
    close: () => server.forceShutdown(),
  };
}
