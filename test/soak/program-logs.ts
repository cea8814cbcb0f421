// What every program of a soak printed, a file for each.
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { LineLog } from '#test/e2e/line-log.ts';

export interface ProgramLogs {
  add(program: string, line: string): void;
  /** What all processes under this name have printed. */
  of(program: string): LineLog;
}

export function openProgramLogs(folder: string): ProgramLogs {
  mkdirSync(folder, { recursive: true });
  const logs = new Map<string, LineLog>();
  const logOf = (program: string): LineLog => {
    const log = logs.get(program) ?? new LineLog();
    logs.set(program, log);
    return log;
  };
  return {
    add(program, line) {
      appendFileSync(join(folder, `${program}.log`), `${new Date().toISOString()} ${line}\n`);
      logOf(program).add(line);
    },
    of: logOf,
  };
}
