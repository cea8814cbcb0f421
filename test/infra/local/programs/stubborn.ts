// Does not end when it is asked to.
process.on('SIGTERM', () => console.log('not yet'));
setInterval(() => {}, 1000);
process.send?.({ type: 'ready' });
