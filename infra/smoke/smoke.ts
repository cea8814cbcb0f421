// `npm run smoke -- HOST`: looks at a registry that runs, from without.
import { readChoices } from './command-line.ts';
import { findingLines, summary } from './report.ts';
import { runChecks } from './run-checks.ts';

process.exitCode = await main();

async function main(): Promise<number> {
  const { format, ...what } = readChoices(process.argv);
  const { host } = what.base;
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const checks = await runChecks(what, finding => {
    if (format === 'text') print(findingLines(finding, process.stdout));
  });
  const { findings } = checks;
  if (format === 'text') print(summary(host, findings));
  else
    print(
      JSON.stringify(
        { host, image: `${what.image.name}:${what.image.tag}`, passed: checks.passed(), findings },
        undefined,
        2,
      ),
    );
  return checks.passed() ? 0 : 1;
}
