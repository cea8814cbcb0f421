// `quotas/{account}`: the new builds of each caller (core/build-quota.ts), counted by all instances together.
import type { Firestore } from '@google-cloud/firestore';
import { buildQuotaSchema, takeBuild } from '../build-quota.ts';
import { TransientError } from '../errors.ts';
import { openDocuments, type Write } from './documents.ts';
import { isAborted, isPreconditionFailed } from './firestore.ts';

/** What became of a write that was to be paid for. Times are the server's. */
export type Payment =
  /** Both are written. */
  | { readonly kind: 'paid' }
  /** Neither is: somebody else had changed the document that was to be written. */
  | { readonly kind: 'lost' }
  /** Neither is: there is nothing left to pay with before `roomAt`. */
  | { readonly kind: 'exhausted'; readonly roomAt: number; readonly now: number };

export type Quotas = ReturnType<typeof openQuotas>;

export function openQuotas(firestore: Firestore) {
  const documents = openDocuments(firestore.collection('quotas'), buildQuotaSchema);
  return {
    /**
     * Counts a new build of an account of so many an hour, in one step with the write that begins it: what is not begun is not
     * counted. Throws a {@link TransientError} where so many instances count for the account that this one has no turn.
     */
    async pay(account: string, limit: number, write: Write): Promise<Payment> {
      try {
        return await documents.change<Payment>(account, (quota, now) => {
          const taken = takeBuild(quota, limit, now);
          return taken.kind === 'taken'
            ? { next: taken.next, result: { kind: 'paid' }, alongside: write }
            : { next: undefined, result: { ...taken, now } };
        });
      } catch (error) {
        if (isPreconditionFailed(error)) return { kind: 'lost' };
        if (!isAborted(error)) throw error;
        throw new TransientError('too many count for one caller at once', { cause: error });
      }
    },
  };
}
