// What the person who runs `npm start` may choose: options, and variables of the environment.
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { readSettings, type Environment } from '#core/google/settings.ts';

/** The folder for the state where DERIVERY_STATE is not set, in the project's own. */
export const DEFAULT_STATE = resolve(import.meta.dirname, '../../.derivery');

const PORT_RULE = 'must be a whole number from 0 to 65535';

const schema = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, PORT_RULE)
    .transform(Number)
    .refine(port => port <= 65_535, PORT_RULE)
    .default(8080),
  DERIVERY_STATE: z.string().default(DEFAULT_STATE),
  DERIVERY_SOURCE: z.string().default('auto'),
});

export interface Choices {
  /** The port of the registry; 0 takes a free one. */
  readonly port: number;
  /** The state folder, absolute. */
  readonly state: string;
  /** A package source in the setting's form, or `auto`. */
  readonly source: string;
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
  const settings = readSettings(schema, environment);
  return Object.freeze({
    port: settings.PORT,
    state: resolve(settings.DERIVERY_STATE),
    source: options.source ?? settings.DERIVERY_SOURCE,
    logFormat: options.logFormat,
  });
}
