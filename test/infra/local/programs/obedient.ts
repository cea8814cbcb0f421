// Ends when it is asked to, and answers messages.
process.on('SIGTERM', () => {
  console.log('asked to end');
  process.exit(0);
});
process.on('message', message => console.log(`got ${JSON.stringify(message)}`));
setInterval(() => {}, 1000);
process.send?.({ type: 'ready', environment: { GREETING: process.env['GREETING'] ?? 'none' } });
