// A registry that users log in to, for one test file.
import { randomUUID } from 'node:crypto';
import { openAccess } from '#functions/registry/auth/open-access.ts';
import { clientAddressBehind } from '#functions/registry/client-address.ts';
import { readRegistrySettings } from '#functions/registry/settings.ts';
import { collectLog, type CollectedLog } from '#test/collected-log.ts';
import type { Cloud } from '#test/cloud.ts';
import { Served } from '../served.ts';

/** What clients call it. */
export const HOST = 'registry.example.org';

export interface LoggedIn extends AsyncDisposable {
  readonly served: Served;
  /** What is logged of logins; all else is in `served.lines`. */
  readonly lines: CollectedLog['lines'];
}

/** A registry of these settings; addresses are what the one trusted proxy before it says. */
export async function serveUsers(cloud: Cloud, environment: NodeJS.ProcessEnv): Promise<LoggedIn> {
  const settings = readRegistrySettings({
    GOOGLE_CLOUD_PROJECT: 'p',
    DERIVERY_SOURCE: 'debian',
    DERIVERY_BLOB_URL: 'https://storage.example.org/b',
    DERIVERY_HOP_SECRET: randomUUID(),
    DERIVERY_TOKEN_SECRET: randomUUID(),
    DERIVERY_ACCESS: 'users',
    ...environment,
  });
  const { log, lines } = collectLog();
  const access = openAccess(settings, clientAddressBehind(1), log);
  const served = await Served.start('node:http', cloud, 60_000, { access });
  return { served, lines, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() };
}
