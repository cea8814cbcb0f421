// Structured logs as Google Cloud Logging reads them from standard output: one JSON object a line, with a severity.
import { pino, type Logger } from 'pino';

const SEVERITIES: Readonly<Record<string, string>> = {
  trace: 'DEBUG',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
};

export type Log = Logger;

/** The log of one deployable. Lines carry `severity`, `message`, `component` and what the caller adds (image, build, request). */
export function createLog(component: string): Log {
  return pino({
    messageKey: 'message',
    base: { component },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: label => ({ severity: SEVERITIES[label] ?? 'DEFAULT' }) },
    serializers: { error: pino.stdSerializers.err },
  });
}
