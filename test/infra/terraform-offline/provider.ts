// A stand-in for the Terraform provider hashicorp/google: it has the provider's schema, checks and plans as far as a schema tells, and
// "creates" without calling anybody. Terraform finds it by TF_REATTACH_PROVIDERS.
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { load } from '@grpc/proto-loader';
import { answersFor } from './answers.ts';
import { checkConfig, errorDiagnostic, planChange, settle } from './change.ts';
import { dataSourceBlock, resourceBlock, schema, schemaMessage } from './schema.ts';
import { readValue, writeValue, type DynamicValue, type Fields } from './value.ts';

/** Something that was created (no `before`), changed or deleted (no `after`). `config`: with what is written and never stored. */
export interface Applied {
  readonly type: string;
  readonly before: Fields | null;
  readonly after: Fields | null;
  readonly config: Fields | null;
}

export interface OfflineProvider {
  /** The value of TF_REATTACH_PROVIDERS. */
  readonly reattach: string;
  close(): void;
}

/** Schemas of all types in one message. Bytes. */
const MESSAGE_LIMIT = 64 << 20;

/** Serves in `folder` until it is closed. `onApplied` is told of each change; what it throws fails the change. */
export async function startOfflineProvider(
  folder: string,
  onApplied: (applied: Applied) => void | Promise<void> = () => {},
): Promise<OfflineProvider> {
  const server = new grpc.Server({
    'grpc.max_receive_message_length': MESSAGE_LIMIT,
    'grpc.max_send_message_length': MESSAGE_LIMIT,
  });
  const definitions = await load(join(import.meta.dirname, 'tfplugin6.proto'), {
    keepCase: true,
    longs: Number,
  });
  server.addService(
    definitions['tfplugin6.Provider'] as grpc.ServiceDefinition,
    unary(providerCalls(onApplied)),
  );
  const socket = join(folder, 'google.sock');
  await promisify(server.bindAsync.bind(server))(`unix:${socket}`, grpc.ServerCredentials.createInsecure());
  const reattach = JSON.stringify({
    'hashicorp/google': {
      Protocol: 'grpc',
      ProtocolVersion: 6,
      Pid: process.pid,
      Test: true,
      Addr: { Network: 'unix', String: socket },
    },
  });
  return { reattach, close: () => server.forceShutdown() };
}

/** The fields of all requests: each call has those that it reads. */
interface Request {
  readonly type_name: string;
  readonly config: DynamicValue;
  readonly raw_state: { readonly json: Uint8Array };
  readonly current_state: DynamicValue;
  readonly prior_state: DynamicValue;
  readonly proposed_new_state: DynamicValue;
  readonly planned_state: DynamicValue;
}

type Calls = Readonly<Record<string, (request: Request) => object | Promise<object>>>;

function providerCalls(onApplied: (applied: Applied) => void | Promise<void>): Calls {
  let settings: Fields = {};
  return {
    GetProviderSchema: schemaMessage,
    GetResourceIdentitySchemas: () => ({}),
    ValidateProviderConfig: ({ config }) => ({
      diagnostics: checkConfig(schema.provider, readValue(config) ?? {}),
    }),
    ValidateResourceConfig: ({ type_name: type, config }) => ({
      diagnostics: checkConfig(resourceBlock(type), readValue(config) ?? {}),
    }),
    ValidateDataResourceConfig: ({ type_name: type, config }) => ({
      diagnostics: checkConfig(dataSourceBlock(type), readValue(config) ?? {}),
    }),
    ConfigureProvider: ({ config }) => {
      settings = readValue(config) ?? {};
      return {};
    },
    UpgradeResourceState: ({ raw_state: { json } }) => ({ state: { json } }),
    ReadResource: ({ current_state: state }) => ({ state }),
    PlanResourceChange: request => {
      const proposed = readValue(request.proposed_new_state);
      const prior = readValue(request.prior_state);
      if (proposed === null) return { planned_state: writeValue(null) };
      if (isDeepStrictEqual(proposed, prior)) return { planned_state: request.prior_state };
      const block = resourceBlock(request.type_name);
      const config = readValue(request.config) ?? {};
      return {
        planned_state: writeValue(planChange(block, config, proposed, prior ?? undefined, settings)),
      };
    },
    ApplyResourceChange: async request => {
      const type = request.type_name;
      const planned = readValue(request.planned_state);
      const after = planned && settle(resourceBlock(type), planned, answersFor(type, planned, settings));
      try {
        await onApplied({
          type,
          before: readValue(request.prior_state),
          after,
          config: readValue(request.config),
        });
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        return {
          new_state: request.prior_state,
          diagnostics: [errorDiagnostic('The change was not applied', detail)],
        };
      }
      return { new_state: writeValue(after) };
    },
    ReadDataSource: ({ type_name: type, config }) => {
      const block = dataSourceBlock(type);
      const given = readValue(config) ?? {};
      const planned = planChange(block, given, given, undefined, settings);
      return { state: writeValue(settle(block, planned, answersFor(type, given, settings))) };
    },
    // Terraform says it after each command; the next one wants the same provider.
    StopProvider: () => ({}),
  };
}

function unary(calls: Calls): grpc.UntypedServiceImplementation {
  return Object.fromEntries(
    Object.entries(calls).map(([name, handle]) => [
      name,
      (call: grpc.ServerUnaryCall<Request, object>, done: grpc.sendUnaryData<object>) => {
        Promise.try(handle, call.request).then(
          answer => done(null, answer),
          (error: unknown) => {
            const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
            done({
              code: grpc.status.INTERNAL,
              details: `${name} ${call.request.type_name ?? ''}: ${message}`,
            });
          },
        );
      },
    ]),
  );
}
