// What is wrong with a setting, as somebody reads it who does not know the library that found it.
import type { z } from 'zod';

/** For rules of the library's own that have no words of ours; for others undefined, and the library's are told. */
export function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'int') return 'must be a whole number';
      return issue.expected === 'number' ? 'must be a number' : undefined;
    case 'invalid_value':
      return `must be ${alternatives(issue.values.map(String))}`;
    case 'too_small':
      if (issue.origin !== 'number' && issue.origin !== 'int') return undefined;
      return issue.inclusive === true
        ? `must be at least ${issue.minimum}`
        : `must be above ${issue.minimum}`;
    case 'too_big':
      if (issue.origin !== 'number' && issue.origin !== 'int') return undefined;
      return issue.inclusive === true ? `must be at most ${issue.maximum}` : `must be below ${issue.maximum}`;
    case 'invalid_format':
      return issue.format === 'starts_with' ? `must begin with ${String(issue['prefix'])}` : undefined;
    default:
      return undefined;
  }
}

function alternatives(values: readonly string[]): string {
  const quoted = values.map(value => `"${value}"`);
  return [quoted.slice(0, -1).join(', '), ...quoted.slice(-1)].filter(part => part !== '').join(' or ');
}
