// Google's own Pub/Sub emulator, where this machine has it.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { findComponent, startEmulator, type OfficialEmulator } from './official-emulator.ts';

/** The emulator's jar, or why there is nothing to compare with. */
export function findOfficialPubSub(): { readonly jar: string } | { readonly missing: string } {
  const component = findComponent('pubsub-emulator');
  if ('missing' in component) return component;
  const [jar] = globSync(join(component.path, 'lib/cloud-pubsub-emulator-*-all.jar'));
  return jar === undefined ? { missing: `not compared: ${component.path} holds no emulator` } : { jar };
}

/** Starts it on a free port of 127.0.0.1; it keeps nothing on disk. */
export function startOfficialPubSub(jar: string): Promise<OfficialEmulator> {
  return startEmulator(
    port => ['-jar', jar, '--host=127.0.0.1', `--port=${port}`],
    'Server started, listening',
  );
}
