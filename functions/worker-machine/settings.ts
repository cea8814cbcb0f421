// The settings of those that start the worker's machine.
import { z } from 'zod';
import { parsedSetting } from '#core/google/settings.ts';
import { parseInstanceName } from './instance-name.ts';

export const workerMachineSettings = {
  /** The machine that a missing image starts, where workers are not there all the time. */
  DERIVERY_WORKER_INSTANCE: parsedSetting(parseInstanceName).optional(),
  /** Where Compute Engine's API is: names of machines are put behind it. */
  DERIVERY_COMPUTE_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .default('https://compute.googleapis.com/compute/v1/'),
};

export type WorkerMachineSettings = z.infer<z.ZodObject<typeof workerMachineSettings>>;
