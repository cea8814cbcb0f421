// What the person who runs `npm start` may choose: options, and variables of the environment.
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { readSettings, withoutBlanks, type Environment } from '#core/google/settings.ts';
import { sourceIn, type NamedSource } from '#core/nixery-settings.ts';
import type { SourceRules } from '#core/source-rules.ts';
import { janitorSettings } from '#functions/janitor/settings.ts';
import { prebuildSettings } from '#functions/prebuild/settings.ts';
import { registrySettings } from '#functions/registry/settings.ts';
import { workerSettings } from '#worker/settings.ts';
import { PROJECT } from './local-environment.ts';
import { BUCKET } from './resources.ts';
import { refuseUnknownSettings } from './unknown-settings.ts';

/** The folder for the state where DERIVERY_STATE is not set, in the project's own. */
export const DEFAULT_STATE = resolve(import.meta.dirname, '../../.derivery');

const PORT_RULE = 'must be a whole number from 0 to 65535';

const schema = z.object({
  // Those of the programs too: what is wrong with them is found before anything is started.
  ...registrySettings,
  ...prebuildSettings,
  ...janitorSettings,
  ...workerSettings,
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, PORT_RULE)
    .transform(Number)
    .refine(port => port <= 65_535, PORT_RULE)
    .default(8080),
  DERIVERY_STATE: z.string().default(DEFAULT_STATE),
  /** It may also be `auto`, and a path that is relative: see source-choice.ts. */
  DERIVERY_SOURCE: z.string().default('auto'),
});

/** What the programs are given by us, whatever the person has set: good examples of it. */
const GIVEN = {
  GOOGLE_CLOUD_PROJECT: PROJECT,
  DERIVERY_BUCKET: BUCKET,
  DERIVERY_BLOB_URL: 'http://localhost',
  DERIVERY_HOP_SECRET: '0'.repeat(64),
  DERIVERY_TOKEN_SECRET: '0'.repeat(64),
  DERIVERY_SPOOL: '/',
  DERIVERY_NIX_STORE: '/',
  DERIVERY_DEBIAN_SET: '/',
};

export interface Choices {
  /** The port of the registry; 0 takes a free one. */
  readonly port: number;
  /** The state folder, absolute. */
  readonly state: string;
  /** The default package source, in the setting's form or `auto`, and what it was chosen by. */
  readonly source: NamedSource;
  /** What other tags stand for. */
  readonly sources: SourceRules;
  readonly logFormat: 'text' | 'json';
}

const ENVIRONMENT_HELP = `
Package sources:
  auto          nixpkgs from its default channel if its servers can be reached and
                the Nix at hand is new enough, else the bundled set of Debian packages
  channel:NAME  a nixpkgs channel, or a commit of nixpkgs
  git:URL       a git repository whose root is a package set; git:URL#REF for one branch,
                tag or commit of it
  flake:REF     a flake, as in flake:github:NixOS/nixpkgs
  path:DIR      a folder with a default.nix
  debian        the bundled set of Debian packages

Environment:
  PORT             port of the registry, on loopback (8080)
  DERIVERY_STATE   folder for everything that is kept (.derivery/)
  DERIVERY_SOURCE  package source where --source is not given (auto)
  DERIVERY_SOURCES package sources behind other tags: TAGS=SOURCE rules, separated by
                   spaces, as in "unstable=channel:nixos-unstable pr-*=git:URL"
  NIXERY_CHANNEL, NIXERY_PKGS_REPO, NIXERY_PKGS_PATH
                   Nixery's names, where DERIVERY_SOURCE is not set
  DERIVERY_*       settings of the registry and the worker, passed on to them
  NO_COLOR         no colours

Set options after --, as in: npm start -- --source debian`;

/**
 * Reads the command line and the environment. Prints help or what is wrong with an option and ends the process
 * where that is all there is to do. Throws a ConfigurationError for a bad variable.
 */
export function readChoices(commandLine: readonly string[], environment: Environment): Choices {
  const options = new Command('npm start --')
    .description('Starts a whole Derivery on this machine: a container registry that builds what is pulled.')
    .option('--source <source>', 'where packages come from (default: DERIVERY_SOURCE, or auto)')
    .addOption(
      new Option('--log-format <format>', 'how logs are printed').choices(['text', 'json']).default('text'),
    )
    .addHelpText('after', ENVIRONMENT_HELP)
    .allowExcessArguments(false)
    .parse(commandLine)
    .opts<{ source?: string; logFormat: Choices['logFormat'] }>();
  const set = withoutBlanks(environment);
  refuseUnknownSettings(set, Object.keys(schema.shape));
  const settings = readSettings(schema, { ...set, ...GIVEN });
  const inEnvironment = sourceIn(set) ?? { variable: 'DERIVERY_SOURCE', source: settings.DERIVERY_SOURCE };
  return Object.freeze({
    port: settings.PORT,
    state: resolve(settings.DERIVERY_STATE),
    source: options.source === undefined ? inEnvironment : { variable: '--source', source: options.source },
    sources: settings.DERIVERY_SOURCES,
    logFormat: options.logFormat,
  });
}
