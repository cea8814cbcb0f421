// Whether it was a full disk that something failed by: another try works when there is room.
import { TransientError } from '#core/errors.ts';
import { isSystemError } from './is-system-error.ts';
import { tellsOfFullDisk } from './nix/nix-message.ts';

const CODES: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

/** Of an error of ours, of Node, or of the programs that we run, whose words are in its message. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (isSystemError(error) && CODES.has(error.code)) return true;
  if (error instanceof TransientError && tellsOfFullDisk(error.message)) return true;
  return isDiskFull(error.cause);
}
