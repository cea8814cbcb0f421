// Who may pull, as a deployment sets it.
import { z } from 'zod';
import { parsedSetting } from '#core/google/settings.ts';
import { parseSecrets } from '../secrets.ts';
import { parseAllowList } from './allow-list.ts';
import { parsePublicUrl } from './own-address.ts';

export const accessSettings = {
  /** `both`: everyone, and users by their name. */
  DERIVERY_ACCESS: z.enum(['anonymous', 'users', 'both']).default('anonymous'),
  /** How clients are asked who they are. User and password are understood in any case. */
  DERIVERY_CHALLENGE: z.enum(['bearer', 'basic']).default('bearer'),
  /** What tokens are signed with: as DERIVERY_HOP_SECRET, the same for all instances, and several while one is being replaced. */
  DERIVERY_TOKEN_SECRET: parsedSetting(parseSecrets).optional(),
  /** What clients call us. Without it, what each request has for a host. */
  DERIVERY_PUBLIC_URL: parsedSetting(parsePublicUrl).optional(),
  /** A file of users as `htpasswd -B` writes it. */
  DERIVERY_USERS_FILE: z.string().optional(),
  /** Google identities that may pull. */
  DERIVERY_GOOGLE_USERS: parsedSetting(parseAllowList).optional(),
  /** Where Google says whose an access token is. */
  DERIVERY_TOKENINFO_URL: z.url({ protocol: /^https?$/ }).default('https://oauth2.googleapis.com/tokeninfo'),
  /** Google's keys for ID tokens. */
  DERIVERY_GOOGLE_KEYS_URL: z
    .url({ protocol: /^https?$/ })
    .default('https://www.googleapis.com/oauth2/v3/certs'),
};

const schema = z.object(accessSettings);

export type AccessSettings = Readonly<z.infer<typeof schema>>;
