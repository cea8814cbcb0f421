// Loaded before a program that runs with --expose-gc: whoever started it may ask how much memory it needs.
process.on('message', message => {
  if (message !== 'heap') return;
  globalThis.gc?.();
  process.send?.({ type: 'heap', bytes: process.memoryUsage().heapUsed });
});
// The program's end is its own matter.
process.channel?.unref();
