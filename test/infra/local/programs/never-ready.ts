// Ends before it is ready, with its last words.
console.error('no such setting');
process.exitCode = 1;
