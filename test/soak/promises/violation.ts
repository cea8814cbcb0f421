// A promise that was broken, and where in what was written down of the soak that can be seen.

export interface Violation {
  readonly promise: string;
  readonly what: string;
  /** `history.jsonl:17`, `commits.jsonl:4`, or nothing where it is the state at the end. */
  readonly at?: string;
}

export const inHistory = (line: number): string => `history.jsonl:${line}`;
export const inCommits = (line: number): string => `commits.jsonl:${line}`;
