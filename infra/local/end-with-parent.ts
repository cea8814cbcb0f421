// Preloaded into every program under the supervisor (`node --import`), so that none outlives it, however it ends.

/** How long a program may take to end once the supervisor is gone, in milliseconds. */
const GRACE = 2000;

// Ctrl-C reaches the whole process group. The supervisor decides what ends, and in which order.
process.on('SIGINT', () => {});

process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.exit(1), GRACE).unref();
});
// The channel is no reason to stay: a program whose work is done ends.
process.channel?.unref();
