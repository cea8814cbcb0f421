// Checks: each is a line of the report, and none stops the others.

export type Finding = { readonly name: string; readonly says: string } & (
  { readonly outcome: 'passed' | 'skipped' } | { readonly outcome: 'failed'; readonly advice: string }
);

/** What a check saw that is as it should be, and what others go on with. */
export interface Seen<T> {
  readonly says: string;
  readonly value: T;
}

/** Something is not as it should be. `advice`: what to do, where it is something else than the check says itself. */
export class CheckError extends Error {
  override readonly name = 'CheckError';
  readonly advice: string | undefined;

  constructor(message: string, advice?: string) {
    super(message);
    this.advice = advice;
  }
}

/** There is nothing here for a check to look at. */
export class NothingToCheck extends Error {
  override readonly name = 'NothingToCheck';
}

/** Throws a {@link CheckError} where something does not hold. */
export function expect(holds: boolean, message: string, advice?: string): asserts holds {
  if (!holds) throw new CheckError(message, advice);
}

export type Checks = ReturnType<typeof createChecks>;

/** `onFinding` is told of each check as it ends. */
export function createChecks(onFinding: (finding: Finding) => void) {
  const findings: Finding[] = [];

  function note(finding: Finding): void {
    findings.push(finding);
    onFinding(finding);
  }

  return {
    findings: findings as readonly Finding[],

    /** Whether nothing failed. */
    passed: (): boolean => findings.every(({ outcome }) => outcome !== 'failed'),

    /** Runs a check, and answers what it saw; undefined where it failed, or had nothing to look at. `advice`: what to do when it fails. */
    async run<T>(name: string, advice: string, look: () => Promise<Seen<T>>): Promise<T | undefined> {
      try {
        const { says, value } = await look();
        note({ name, outcome: 'passed', says });
        return value;
      } catch (error) {
        if (error instanceof NothingToCheck) note({ name, outcome: 'skipped', says: error.message });
        else note({ name, outcome: 'failed', says: messageOf(error), advice: adviceOf(error) ?? advice });
        return undefined;
      }
    },

    /** Says that a check needs what another did not find. */
    skip(name: string, says: string): void {
      note({ name, outcome: 'skipped', says });
    },
  };
}

function adviceOf(error: unknown): string | undefined {
  return error instanceof CheckError ? error.advice : undefined;
}

/** Whatever else goes wrong is an answer too: a name without an address, a connection refused, a document of another form. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (
    [error.message, error.message.includes(code) ? '' : code].filter(part => part !== '').join(': ') ||
    error.name
  );
}
