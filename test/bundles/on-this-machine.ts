// What of an environment that Terraform made cannot be on this machine as it is in the cloud: all of it, and why. Everything else is
// handed to the programs as it is.
import assert from 'node:assert/strict';
import { localEnvironment } from '#local/local-environment.ts';
import type { DebianSet } from '#test/nix/debian-set.ts';
import type { AppliedCloud } from './applied-cloud.ts';

export interface ThisMachine {
  readonly cloud: AppliedCloud;
  readonly set: DebianSet;
  /** Folder of a package set. */
  readonly packages: string;
  readonly spool: string;
}

/** Where clients fetch from Cloud Storage. */
const STORAGE = 'https://storage.googleapis.com';

/** A program's environment, as Terraform made it, on this machine. */
export function onThisMachine(
  made: Readonly<Record<string, string>>,
  { cloud, set, packages, spool }: ThisMachine,
): Readonly<Record<string, string>> {
  const { no_proxy, NO_PROXY, METADATA_SERVER_DETECTION } = localEnvironment() as Record<string, string>;
  const isWorker = 'DERIVERY_SPOOL' in made;

  /** What Terraform does not set: in the cloud it is found without. */
  const added = {
    // Google's services, and no way round by a proxy or a metadata server of this machine's.
    ...cloud.environment,
    no_proxy,
    NO_PROXY,
    METADATA_SERVER_DETECTION,
    // There Nix is the machine's. Here it has a store of its own, which is all tests', and so not collected for this one's sake.
    ...(isWorker && {
      DERIVERY_NIX_STORE: set.store,
      DERIVERY_STORE_FREE_GB: '0',
      NIX_CONFIG: set.nix.environment['NIX_CONFIG'] ?? '',
    }),
  };

  /** What Terraform does set, for those programs that it sets it for. */
  const replaced: Readonly<Record<string, (value: string) => string>> = {
    // The bucket and the folder in it stay what they are.
    DERIVERY_BLOB_URL: url => url.replace(STORAGE, cloud.storageUrl),
    // Packages that take no time to build; of the network nothing is needed.
    DERIVERY_SOURCE: () => `path:${packages}`,
    // It is on the disk of /nix there.
    DERIVERY_SPOOL: () => spool,
  };

  for (const name of Object.keys(added)) assert.ok(!(name in made), `Terraform sets ${name}`);
  const rest = Object.entries(made).map(([name, value]) => [name, replaced[name]?.(value) ?? value]);
  return { ...added, ...Object.fromEntries(rest) } as Record<string, string>;
}
