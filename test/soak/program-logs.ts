// What every program of a soak printed, a file for each.
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

export interface ProgramLogs {
  add(program: string, line: string): void;
}

export function openProgramLogs(folder: string): ProgramLogs {
  mkdirSync(folder, { recursive: true });
  return {
    add: (program, line) =>
      appendFileSync(join(folder, `${program}.log`), `${new Date().toISOString()} ${line}\n`),
  };
}
