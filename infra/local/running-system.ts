// What other commands need to know of the system that runs: where its services are, and how its worker is set.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { StartError } from './start-error.ts';
import { servicesFile } from './state-folder.ts';

const servicesSchema = z.record(z.string(), z.string());
/** Each program's process, by its name. */
const processesSchema = z.record(z.string(), z.int().positive());

/** The environment in which Google's clients find the services of the system that runs. Throws a {@link StartError}. */
export async function readServices(state: string): Promise<Readonly<Record<string, string>>> {
  return servicesSchema.parse(await readJson(state, servicesFile(state)));
}

/**
 * The environment of a program that runs, which has all its settings. From the kernel (proc_pid_environ(5)) and not from
 * a file of ours: Nix's settings may hold tokens. Throws a {@link StartError}.
 */
export async function readProgramEnvironment(
  state: string,
  program: 'worker' | 'janitor',
): Promise<Readonly<Record<string, string>>> {
  const pid = processesSchema.parse(await readJson(state, join(state, 'processes.json')))[program];
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch((error: unknown) => {
    throw new StartError(
      `The ${program} of ${state} (process ${pid}) does not run, or belongs to somebody else: its settings cannot be read.`,
      { cause: error },
    );
  });
  const variables = text.split('\0').filter(variable => variable.includes('='));
  return Object.fromEntries(
    variables.map(variable => [
      variable.slice(0, variable.indexOf('=')),
      variable.slice(variable.indexOf('=') + 1),
    ]),
  );
}

async function readJson(state: string, file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new StartError(
      `No system runs in ${state}: start one with npm start, or name its folder with DERIVERY_STATE.`,
      { cause: error },
    );
  });
  return JSON.parse(text);
}
