// What the person who runs `npm run smoke` may choose.
import { Command, InvalidArgumentError, Option } from 'commander';
import { givenImage, randomImage, type ImageToPull } from './image.ts';
import { isLoopback } from './loopback.ts';
import type { WhatToCheck } from './run-checks.ts';

const HELP = `
HOST is what an image's name begins with, such as the output registry_host of Terraform. A host
on loopback is asked by plain HTTP, every other by HTTPS.

An image is built: without --image six small packages of nixpkgs that nobody asked for
before, and a name that no package has. Layers are fetched, some ten MB. Ends with 0 where
nothing failed, else with 1.

Examples:
  npm run smoke -- "$(terraform -chdir=infra output -raw registry_host)"
  npm run smoke -- localhost:8080 --image jq`;

export interface SmokeChoices extends WhatToCheck {
  readonly format: 'text' | 'json';
}

/** Reads the command line and the environment. Prints help or what is wrong, and ends the process, where that is all there is to do. */
export function readChoices(commandLine: readonly string[]): SmokeChoices {
  const command: Command = new Command('npm run smoke --')
    .description('Looks at a registry that runs, from without: what only a real deployment can tell.')
    .argument('<host>', 'HOST or HOST:PORT')
    .option('--image <image>', 'what is pulled, as NAME or NAME:TAG', parseImage)
    .addOption(new Option('--user <user>', 'who logs in').env('DERIVERY_SMOKE_USER'))
    .addOption(
      new Option('--password <password>', 'and how; others see what is on a command line').env(
        'DERIVERY_SMOKE_PASSWORD',
      ),
    )
    .option('--minutes <minutes>', 'how long the build may take', parseMinutes, 30)
    .option(
      '--limits',
      'use up the pulls that a caller may have in a minute, to see whom they are counted for',
      false,
    )
    .option('--insecure', 'plain HTTP', false)
    .option('--json', 'one JSON document', false)
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .parse(commandLine);
  const options = command.opts<Options>();
  const base = baseOf(command.args[0] ?? '', options.insecure);
  if (base === undefined) command.error('error: HOST is a host, as registry.example.org or localhost:8080');
  if ((options.user === undefined) !== (options.password === undefined))
    command.error('error: --user and --password go together');
  if (options.user !== undefined && base.protocol === 'http:' && !isLoopback(base)) {
    command.error('error: no password is sent by plain HTTP');
  }
  return {
    base,
    image: options.image ?? randomImage(),
    login:
      options.user === undefined || options.password === undefined
        ? undefined
        : { user: options.user, password: options.password },
    totalMs: options.minutes * 60_000,
    useUpLimits: options.limits,
    format: options.json ? 'json' : 'text',
  };
}

interface Options {
  readonly image?: ImageToPull;
  readonly user?: string;
  readonly password?: string;
  readonly minutes: number;
  readonly limits: boolean;
  readonly insecure: boolean;
  readonly json: boolean;
}

function baseOf(host: string, isInsecure: boolean): URL | undefined {
  if (!/^[\w.[\]:-]+$/.test(host) || !URL.canParse(`https://${host}/`)) return undefined;
  const secure = new URL(`https://${host}/`);
  return isInsecure || isLoopback(secure) ? new URL(`http://${host}/`) : secure;
}

function parseImage(text: string): ImageToPull {
  const image = givenImage(text);
  if (image === undefined) throw new InvalidArgumentError('It is NAME or NAME:TAG, as shell/git:latest.');
  return image;
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0 && minutes <= 600))
    throw new InvalidArgumentError('It is a number of minutes, up to 600.');
  return minutes;
}
