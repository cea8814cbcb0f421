// Dies as soon as it is ready.
process.send?.({ type: 'ready' }, () => process.exit(3));
