// What buckets and objects may be called.
import { invalid } from './errors.ts';

/** Refuses what Google refuses (https://cloud.google.com/storage/docs/buckets#naming), dots aside: those are for domain owners. */
export function checkBucketName(name: string): void {
  const allowed =
    /^[a-z0-9][-a-z0-9_]{1,61}[a-z0-9]$/.test(name) && !name.startsWith('goog') && !name.includes('google');
  if (!allowed) throw invalid(`Invalid bucket name: '${name}'`);
}

/** Refuses what Google refuses (https://cloud.google.com/storage/docs/objects#naming). */
export function checkObjectName(name: string): void {
  const allowed =
    name !== '' &&
    Buffer.byteLength(name) <= 1024 &&
    !/[\r\n]/.test(name) &&
    name !== '.' &&
    name !== '..' &&
    !name.startsWith('.well-known/acme-challenge/') &&
    name.isWellFormed();
  if (!allowed) throw invalid(`Invalid object name: ${JSON.stringify(name)}`);
}
