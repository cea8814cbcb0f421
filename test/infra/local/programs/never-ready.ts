// Ends before it is ready, with many words, the last of which count.
for (let line = 0; line < 500; line += 1) console.error(`${line} `.repeat(20));
console.error('no such setting');
process.exitCode = 1;
