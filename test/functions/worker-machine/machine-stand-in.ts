// A machine for one test, behind the stand-in of Compute Engine, and what our own code asks of it.
import type { TestContext } from 'node:test';
import { openComputeInstance, type ComputeInstance } from '#functions/worker-machine/compute-instance.ts';
import { parseInstanceName } from '#functions/worker-machine/instance-name.ts';
import { startCompute, type ComputeServer } from '#local/compute/server.ts';
import { Machine, type MachineLife } from '#local/compute/machine.ts';
import { startMetadata } from '#local/metadata/server.ts';

export const INSTANCE = 'projects/test/zones/europe-west1-b/instances/derivery-worker';

export interface MachineStandIn extends ComputeServer {
  readonly machine: Machine;
  readonly instance: ComputeInstance;
}

/** Its states follow each other without anything in them, but that it runs on, where `life` says nothing else. */
export async function startMachine(
  context: TestContext,
  life: Partial<MachineLife> = {},
): Promise<MachineStandIn> {
  const machine = new Machine({ running: () => new Promise(() => {}), ...life });
  const [server, metadata] = await Promise.all([
    startCompute({ instance: INSTANCE, machine }),
    // Google's client asks it for a token.
    startMetadata({ email: 'registry@test.iam.gserviceaccount.com' }),
  ]);
  context.after(() => Promise.all([server.close(), metadata.close()]));
  process.env['GCE_METADATA_HOST'] = metadata.host;
  return { ...server, machine, instance: openComputeInstance(parseInstanceName(INSTANCE), server.endpoint) };
}
