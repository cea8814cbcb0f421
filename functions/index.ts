// Entry of the bundle that every function is deployed with. It becomes the one that FUNCTION_TARGET names, as functions-framework
// does, and loads nothing of the others: each has settings of its own, and reads them at once.
import { createLog } from '#core/google/log.ts';
import { ConfigurationError } from '#core/errors.ts';
import { startOrExit } from './start-or-exit.ts';

const NAMES = ['registry', 'prebuild', 'janitor'] as const;

const target = startOrExit(createLog('functions'), () => {
  const given = process.env['FUNCTION_TARGET'] ?? '';
  const known = NAMES.find(name => name === given);
  if (known !== undefined) return known;
  throw new ConfigurationError(
    `configuration: FUNCTION_TARGET is "${given}", not one of ${NAMES.join(', ')}`,
  );
});

// The others are not there: functions-framework finds its target by name.
export const registry = target === 'registry' ? (await import('./registry/index.ts')).registry : undefined;
export const prebuild = target === 'prebuild' ? (await import('./prebuild/index.ts')).prebuild : undefined;
export const janitor = target === 'janitor' ? (await import('./janitor/index.ts')).janitor : undefined;
