// Structured logs as Google Cloud Logging reads them from standard output: one JSON object a line, with a severity.
import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino';

const SEVERITIES: Readonly<Record<string, string>> = {
  trace: 'DEBUG',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
};

export type Log = Logger;

/**
 * The log of one deployable. Lines carry `severity`, `message`, `component` and what the caller adds (image, build, request).
 * `output`: where they go instead.
 */
export function createLog(component: string, output: DestinationStream = pino.destination(1)): Log {
  const options = {
    messageKey: 'message',
    base: { component },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: label => ({ severity: SEVERITIES[label] ?? 'DEFAULT' }) },
    serializers: { error: pino.stdSerializers.err },
  } satisfies LoggerOptions;
  return pino(options, output);
}
