// What a caller is told who has had as much as they may.
import { RegistryError } from '#core/errors.ts';
import { warning } from '../answer.ts';
import type { Account } from './account.ts';

/**
 * A 429 that says which limit it is, how much, whose, and when there is room. Podman and skopeo wait that long by themselves, up to
 * a minute a time, and may show the warning meanwhile; containerd asks a few times at once. Neither makes it later: what is
 * refused does not count. `limited`: what there is a limit of, as in "pulls a minute".
 */
export function overLimit(
  { holder }: Account,
  limited: string,
  limit: number,
  roomInMs: number,
  advice: string,
): RegistryError {
  const seconds = Math.max(1, Math.ceil(roomInMs / 1000));
  const message = `the limit of ${limited} is ${limit} for each ${holder.kind}, which ${holder.name} has reached: more in ${duration(seconds)}; ${advice}`;
  return new RegistryError(429, 'TOOMANYREQUESTS', message, {
    'retry-after': String(seconds),
    warning: warning(message),
  });
}

/** "45 s", "3 min 20 s": whole seconds. */
function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  return [minutes > 0 && `${minutes} min`, rest > 0 && `${rest} s`].filter(Boolean).join(' ');
}
