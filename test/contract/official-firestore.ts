// Google's own Firestore emulator, where this machine has it.
import { join } from 'node:path';
import { findComponent, startEmulator, type OfficialEmulator } from './official-emulator.ts';

/** The emulator's jar, or why there is nothing to compare with. */
export function findOfficialFirestore(): { readonly jar: string } | { readonly missing: string } {
  const component = findComponent('cloud-firestore-emulator');
  return 'missing' in component ? component : { jar: join(component.path, 'cloud-firestore-emulator.jar') };
}

/** Starts it on a free port of 127.0.0.1; it keeps nothing on disk. */
export function startOfficialFirestore(jar: string): Promise<OfficialEmulator> {
  // It lives for seconds: compiling for speed does not pay.
  const java = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m', '-cp', jar];
  const main = 'com.google.cloud.datastore.emulator.firestore.CloudFirestore';
  return startEmulator(
    port => [...java, main, 'start', '--host=127.0.0.1', `--port=${port}`],
    'Dev App Server is now running',
  );
}
