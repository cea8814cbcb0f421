// What Google would answer for attributes that a configuration leaves to it: of Google's own form where configurations refer to
// them (ids, addresses, members), plain placeholders elsewhere. The same input gives the same value.
import { createHash } from 'node:crypto';
import type { AttributeType } from './schema.ts';
import type { Fields } from './value.ts';

/** Ids of types whose id is not of Compute Engine's form. */
const IDS: Readonly<Record<string, string>> = {
  google_artifact_registry_repository: 'projects/{project}/locations/{location}/repositories/{repository_id}',
  google_cloud_scheduler_job: 'projects/{project}/locations/{region}/jobs/{name}',
  google_cloudfunctions2_function: 'projects/{project}/locations/{location}/functions/{name}',
  google_firestore_database: 'projects/{project}/databases/{name}',
  google_firestore_field:
    'projects/{project}/databases/{database}/collectionGroups/{collection}/fields/{field}',
  google_firestore_index: '{name}',
  google_logging_metric: '{name}',
  google_monitoring_alert_policy: '{name}',
  google_monitoring_dashboard: 'projects/{project}/dashboards/{digits:19}',
  google_monitoring_notification_channel: '{name}',
  google_project_iam_custom_role: 'projects/{project}/roles/{role_id}',
  google_project_service: '{project}/{service}',
  google_pubsub_subscription: 'projects/{project}/subscriptions/{name}',
  google_pubsub_topic: 'projects/{project}/topics/{name}',
  google_secret_manager_secret: 'projects/{project}/secrets/{secret_id}',
  google_secret_manager_secret_version: '{name}',
  google_service_account: '{name}',
  google_storage_bucket: '{name}',
  google_storage_bucket_object: '{bucket}-{name}',
};

const API = 'https://www.googleapis.com';

/** Other attributes of known form. */
const VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  google_artifact_registry_repository: { name: '{repository_id}' },
  google_cloudfunctions2_function: {
    uri: 'https://{name}-{digits:12}.{location}.run.app',
    url: 'https://{location}-{project}.cloudfunctions.net/{name}',
  },
  google_compute_region_instance_group_manager: {
    instance_group: `${API}/compute/v1/projects/{project}/regions/{region}/instanceGroups/{name}`,
  },
  google_firestore_index: {
    name: 'projects/{project}/databases/{database}/collectionGroups/{collection}/indexes/{digits:12}',
  },
  google_monitoring_alert_policy: { name: 'projects/{project}/alertPolicies/{digits:19}' },
  google_monitoring_notification_channel: { name: 'projects/{project}/notificationChannels/{digits:19}' },
  google_project_iam_custom_role: { name: '{id}' },
  google_secret_manager_secret: { name: '{id}' },
  google_secret_manager_secret_version: { name: '{secret}/versions/1', version: '1' },
  google_service_account: {
    email: '{account_id}@{project}.iam.gserviceaccount.com',
    member: 'serviceAccount:{email}',
    name: 'projects/{project}/serviceAccounts/{email}',
  },
  google_storage_bucket: { self_link: `${API}/storage/v1/b/{name}`, url: 'gs://{name}' },
  google_storage_bucket_object: { output_name: '{name}', self_link: `${API}/storage/v1/b/{bucket}/o/{name}` },
};

/** Answers for a resource, of which `given` is known; `settings` are the provider's. */
export function answersFor(
  type: string,
  given: Fields,
  settings: Fields,
): (name: string, type: AttributeType) => unknown {
  const seed = type + JSON.stringify(given);

  function digits(count: number, of = ''): string {
    const hash = createHash('sha256')
      .update(seed + of)
      .digest('hex');
    return BigInt(`0x${hash}`).toString().slice(0, count);
  }

  function setting(name: string, otherwise: string): string {
    const found = settings[name];
    return typeof found === 'string' && found !== '' ? found : otherwise;
  }

  function known(name: string): string | undefined {
    const found = given[name];
    return ['string', 'number', 'boolean'].includes(typeof found) ? String(found) : undefined;
  }

  function fill(template: string, busy: readonly string[]): string {
    return template.replaceAll(/\{(\w+)(?::(\d+))?\}/g, (_, name: string, count?: string) =>
      count === undefined ? value(name, busy) : digits(Number(count)),
    );
  }

  /** `busy`: what is being made of it, so that two templates do not go round in a circle. */
  function value(name: string, busy: readonly string[]): string {
    return known(name) ?? (busy.includes(name) ? digits(12) : make(name, [...busy, name]));
  }

  function make(name: string, busy: readonly string[]): string {
    const template = VALUES[type]?.[name] ?? (name === 'id' ? idTemplate(type, given) : undefined);
    if (template !== undefined) return fill(template, busy);
    switch (name) {
      case 'project':
        return setting('project', 'offline-project');
      case 'region':
      case 'location':
        return setting('region', 'us-central1');
      case 'zone':
        return `${setting('region', 'us-central1')}-a`;
      case 'name':
        return `${known('name_prefix') ?? `${type.replace(/^google_/, '').replaceAll('_', '-')}-`}${digits(20)}`;
      case 'self_link':
        return `${API}/compute/v1/${value('id', busy)}`;
      default:
        if (/(?:^|_)address$/.test(name)) return `192.0.2.${1 + (Number(digits(6, name)) % 254)}`;
        return `offline-${name}-${digits(8, name)}`;
    }
  }

  return (name, attributeType) => {
    if (attributeType === 'string') return value(name, []);
    if (attributeType === 'number') return 0;
    if (attributeType === 'bool') return false;
    if (attributeType[0] === 'list' || attributeType[0] === 'set') return [];
    return attributeType[0] === 'map' ? {} : null;
  };
}

function idTemplate(type: string, given: Fields): string {
  const template = IDS[type];
  if (template !== undefined) return template;
  if (type.startsWith('google_compute_') && 'name' in given) return computeId(type, given);
  if (!type.endsWith('_iam_member')) return `${type}/{digits:19}`;
  const of = Object.keys(given).filter(
    name =>
      !/^(?:id|etag|condition|role|member|project|location)$/.test(name) && typeof given[name] === 'string',
  );
  return [...(of.length > 0 ? of : ['project']), 'role', 'member'].map(name => `{${name}}`).join('/');
}

/** `google_compute_region_autoscaler` is `projects/P/regions/R/autoscalers/NAME`. */
function computeId(type: string, given: Fields): string {
  const kind = type
    .replace(/^google_compute_(?:region_|global_|managed_)?/, '')
    .replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const plural = /[sx]$/.test(kind) ? `${kind}es` : kind.replace(/([^e])y$/, '$1ie').concat('s');
  const scope = 'zone' in given ? 'zones/{zone}' : 'region' in given ? 'regions/{region}' : 'global';
  return `projects/{project}/${scope}/${plural}/{name}`;
}
