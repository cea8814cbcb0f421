// Firestore and the bucket as a janitor meets them that others work beside, or that is killed.
import type { Firestore } from '@google-cloud/firestore';
import type { BucketContents } from '#core/google/bucket-contents.ts';

/** Between what the first transaction reads and what it writes, `act` happens. */
export function actedBeside(firestore: Firestore, act: () => Promise<unknown>): Firestore {
  let hasActed = false;
  return withTransactions(firestore, (decide, options) =>
    firestore.runTransaction(async transaction => {
      const result = await decide(transaction);
      if (!hasActed) {
        hasActed = true;
        await act();
      }
      return result;
    }, options),
  );
}

/** After so many transactions that wrote something, whoever works here is gone. */
export function killedAfter(firestore: Firestore, writes: number): Firestore {
  let written = 0;
  return withTransactions(firestore, async (decide, options) => {
    if (written === writes) throw new Error('killed');
    let isWrite = false;
    const result = await firestore.runTransaction(async transaction => {
      isWrite = false;
      const noting = new Proxy(transaction, {
        get(target, name) {
          if (['set', 'update', 'create', 'delete'].includes(String(name))) isWrite = true;
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
      return decide(noting);
    }, options);
    if (isWrite) written += 1;
    return result;
  });
}

type RunTransaction = Firestore['runTransaction'];

function withTransactions(firestore: Firestore, runTransaction: RunTransaction): Firestore {
  return new Proxy(firestore, {
    get(target, name) {
      if (name === 'runTransaction') return runTransaction;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A bucket before whose deletions, or after them, something else happens. */
export function deletingBeside(
  bucket: BucketContents,
  { before, after }: { readonly before?: () => Promise<unknown>; readonly after?: () => Promise<unknown> },
): BucketContents {
  return {
    ...bucket,
    async delete(name, generation) {
      await before?.();
      await bucket.delete(name, generation);
      await after?.();
    },
  };
}
