// What ends an instance, and what must not. functions-framework ends the process the moment it hears of a signal or of a
// rejected promise that nobody looked at (its invoker.js, ErrorHandler), and with it all pulls that wait here.
import type { Log } from '#core/google/log.ts';

/**
 * Has `sendAllOn` run before the process ends, and keeps a promise that was rejected unheard from ending it. To be called when
 * the module is loaded: listeners run in the order of their registration, and the framework's comes later and exits at once.
 * So `sendAllOn` has to have written everything when it returns.
 */
export function watchLastMoments(log: Log, sendAllOn: () => number): void {
  process.on('SIGTERM', () => {
    log.info({ sentOn: sendAllOn() }, 'this instance ends: who waits here is sent on');
  });
  // As the name says it changes nothing of what becomes of the process.
  process.on('uncaughtExceptionMonitor', error => {
    log.error({ error, sentOn: sendAllOn() }, 'this instance breaks: who waits here is sent on');
  });

  const report = (error: unknown): void => {
    log.error({ error }, 'a promise was rejected, and nobody heard of it; the instance goes on');
  };
  process.on('newListener', (event: string | symbol, listener: (...parameters: unknown[]) => void) => {
    if (event !== 'unhandledRejection' || listener === report) return;
    // It is added after this.
    queueMicrotask(() => process.off(event, listener));
  });
  process.on('unhandledRejection', report);
}
