// A log of ours that is kept to be looked at instead of written to standard output.
import { pino } from 'pino';
import type { Log } from '#core/google/log.ts';

export interface CollectedLog {
  readonly log: Log;
  /** Every line so far, parsed, oldest first. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** Resolves when so many lines are as wanted. */
  until(count: number, wanted: (line: Readonly<Record<string, unknown>>) => boolean): Promise<void>;
}

export function collectLog(): CollectedLog {
  const lines: Record<string, unknown>[] = [];
  let written = Promise.withResolvers<void>();
  const write = (line: string): void => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
    written.resolve();
    written = Promise.withResolvers();
  };
  const until: CollectedLog['until'] = async (count, wanted) => {
    while (lines.filter(wanted).length < count) await written.promise;
  };
  const options = { messageKey: 'message', level: 'debug', serializers: { error: pino.stdSerializers.err } };
  return { log: pino(options, { write }), lines, until };
}
