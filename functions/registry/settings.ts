// What the registry reads from its environment, once.
import { z } from 'zod';
import { offerSettings, pullSettings } from '#core/google/deployment-settings.ts';
import { retentionSettings } from '#core/google/retention-settings.ts';
import { cloudSettings, parsedSetting, readSettings, type Environment } from '#core/google/settings.ts';
import { workerMachineSettings } from '../worker-machine/settings.ts';
import { accessSettings } from './auth/settings.ts';
import { parseSecrets } from './secrets.ts';
import { limitSettings } from './limits/limit-settings.ts';

/** The registry's settings, each by its variable. */
export const registrySettings = {
  ...cloudSettings,
  ...pullSettings,
  ...offerSettings,
  ...accessSettings,
  ...limitSettings,
  ...retentionSettings,
  ...workerMachineSettings,
  /** Where clients are sent for blobs: `<this>/sha256/<hex>`. It holds no `/v2/`, so that no credentials follow. */
  DERIVERY_BLOB_URL: z
    .url({ protocol: /^https?$/ })
    .refine(url => !url.includes('/v2/'), 'must not contain /v2/')
    .refine(url => !/[?#]/.test(url), 'must not have a query')
    .transform(url => url.replace(/\/+$/, '')),
  /** Who may read the bucket: everyone, or those who get a signed address from the registry. */
  DERIVERY_BUCKET_ACCESS: z.enum(['public', 'private']).default('public'),
  /** Where IAM signs: `EMAIL:signBlob` is put behind it. */
  DERIVERY_SIGNING_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .default('https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/'),
  /** `withheld` where a front end strips Content-Length from HEAD's answers: clients then go by GET's. */
  DERIVERY_HEAD_DIGEST: z.enum(['sent', 'withheld']).default('sent'),
  /**
   * What the number of a redirect is signed with, and callers are counted under: the same for all instances. Several, separated by white space, while one is being
   * replaced: the first signs, all are believed.
   */
  DERIVERY_HOP_SECRET: parsedSetting(parseSecrets).describe(
    'a secret that all instances of the registry share, as `openssl rand -hex 32` prints one',
  ),
  /**
   * How long a request waits for a build before it is sent round again. Newer containerd gives up on headers after
   * 30 s (containerd#13164), so the default is well below.
   */
  DERIVERY_HOLD_SECONDS: z.coerce.number().positive().max(3500).default(20),
  /** The same for clients that are known to wait for longer, as far as the front end lets them. */
  DERIVERY_LONG_HOLD_SECONDS: z.coerce.number().positive().max(3500).default(280),
  /** How long the front end gives a request: no hold comes closer to it than 10 s. */
  DERIVERY_REQUEST_LIMIT_SECONDS: z.coerce.number().min(11).max(3600).default(60),
  /** After how long a client is told to pull again that would follow redirects for ever. */
  DERIVERY_TOTAL_WAIT_SECONDS: z.coerce.number().positive().default(2700),
  /** When a client is asked to pull again whose redirects are used up. */
  DERIVERY_RETRY_SECONDS: z.coerce.number().int().positive().max(60).default(5),
  /**
   * For how long an instance goes by what it read of a tag: so late, at most, is a newer image seen. 0: every pull reads anew, and
   * none is answered from memory when Firestore cannot be reached.
   */
  DERIVERY_TAG_CACHE_SECONDS: z.coerce.number().min(0).max(600).default(30),
  /** Manifests that an instance keeps in memory. MB. */
  DERIVERY_MANIFEST_CACHE_MB: z.coerce.number().min(1).max(100_000).default(32),
  /** Requests that the front end hands one instance at a time: four fifths of them may wait. */
  DERIVERY_CONCURRENCY: z.coerce.number().int().positive().default(250),
};

const schema = z.object(registrySettings);

export type RegistrySettings = z.infer<typeof schema>;

/** Throws a ConfigurationError that names every bad setting. */
export function readRegistrySettings(environment: Environment): Readonly<RegistrySettings> {
  return readSettings(schema, environment);
}

/** How long each kind of client is held. Milliseconds. */
export function holdsOf(settings: RegistrySettings): { short: number; long: number } {
  const limit = settings.DERIVERY_REQUEST_LIMIT_SECONDS - 10;
  return {
    short: 1000 * Math.min(settings.DERIVERY_HOLD_SECONDS, limit),
    long: 1000 * Math.min(settings.DERIVERY_LONG_HOLD_SECONDS, limit),
  };
}
