// How the person says that it is enough: Ctrl-C, a closed terminal, or a signal.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** One Ctrl-C may arrive twice: from the terminal, and from npm, which passes it on. Milliseconds. */
const SAME_REQUEST = 1000;

/**
 * Resolves at the first signal to stop, or when nobody reads the output any more. Calls `onImpatience` at every signal
 * that comes after that.
 */
export async function untilStopRequested(onImpatience: () => void): Promise<void> {
  await new Promise<void>(resolve => {
    let requestedAt: number | undefined;
    const onSignal = (): void => {
      requestedAt ??= Date.now();
      if (Date.now() - requestedAt > SAME_REQUEST) onImpatience();
      resolve();
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
    process.stdout.on('error', () => resolve());
  });
}
