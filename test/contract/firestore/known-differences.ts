/**
 * Where Google's official emulator is known to differ from Google's service as it is documented, which the stand-in
 * follows. A test whose subject is named here is not run against the emulator, and its report says why.
 */
export const officialDifferences = {
  'outside writes':
    'locks what a transaction has read, so that a write from outside waits up to 2 s and fails',
  'request size': 'refuses requests of more than 4 MiB with RESOURCE_EXHAUSTED; the service takes 10 MiB',
  'foreign documents': 'takes documents of another database than the one of the request',
  'old snapshots': 'keeps every version since its start, and answers for the time before it',
  'rolled back transactions': 'takes a second rollback of the same transaction',
} as const;

export type OfficialDifference = keyof typeof officialDifferences;
