// What the registry reads from its environment, once.
import { z } from 'zod';
import { offerSettings, pullSettings } from '#core/google/deployment-settings.ts';
import { cloudSettings, readSettings, type Environment } from '#core/google/settings.ts';

/** The registry's settings, each by its variable. */
export const registrySettings = {
  ...cloudSettings,
  ...pullSettings,
  ...offerSettings,
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
   * How long a request waits for a build before it is sent round again. Newer containerd gives up on headers after
   * 30 s (containerd#13164), so the default is well below.
   */
  DERIVERY_HOLD_SECONDS: z.coerce.number().positive().max(3500).default(20),
};

const schema = z.object(registrySettings);

export type RegistrySettings = z.infer<typeof schema>;

/** Throws a ConfigurationError that names every bad setting. */
export function readRegistrySettings(environment: Environment): Readonly<RegistrySettings> {
  return readSettings(schema, environment);
}
