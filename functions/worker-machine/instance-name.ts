// The full name of a machine of Compute Engine's, as its API has it in addresses.

export interface InstanceName {
  readonly project: string;
  readonly zone: string;
  readonly instance: string;
}

/** A project may belong to a domain (`example.org:project`); what zones and machines are called is RFC 1035's. */
const NAME =
  /^projects\/(?<project>[a-z][a-z0-9.:-]*)\/zones\/(?<zone>[a-z][a-z0-9-]*)\/instances\/(?<instance>[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)$/;

/** Throws an Error that says what form it has, for the reader of a setting. */
export function parseInstanceName(text: string): InstanceName {
  const { project, zone, instance } = NAME.exec(text)?.groups ?? {};
  if (project === undefined || zone === undefined || instance === undefined) {
    throw new Error('is not of the form projects/PROJECT/zones/ZONE/instances/NAME');
  }
  return { project, zone, instance };
}

export function formatInstanceName({ project, zone, instance }: InstanceName): string {
  return `projects/${project}/zones/${zone}/instances/${instance}`;
}
