// The runbook (docs/operate.md) as somebody follows it from top to bottom, as far as it is Terraform's.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { openTerraform, skipWithoutTerraform } from './open-terraform.ts';

const skip = await skipWithoutTerraform();

const RUNBOOK = readFileSync(resolve(import.meta.dirname, '../../../docs/operate.md'), 'utf8');

/** What is done to Terraform: variables that are set, as HCL, or a command that is run. */
type Step =
  { readonly kind: 'set'; readonly hcl: string } | { readonly kind: 'run'; readonly command: string };

function steps(): readonly Step[] {
  return [...RUNBOOK.matchAll(/^```(hcl|bash)\n(.*?)^```$/gms)].flatMap(([, language, block = '']): Step[] =>
    language === 'hcl'
      ? [
          { kind: 'set', hcl: block },
          { kind: 'run', command: 'plan' },
        ]
      : stepsOfScript(block),
  );
}

function stepsOfScript(script: string): Step[] {
  const file = /tfvars <<END\n(.*?)^END$/ms.exec(script)?.[1];
  if (file !== undefined) return [{ kind: 'set', hcl: file }];
  const lines = script.matchAll(
    /^echo '(?<hcl>.*)' >>infra\/terraform\.tfvars$|terraform -chdir=infra (?<command>[a-z][^\n")]*)/gm,
  );
  return [...lines].map(({ groups }) => {
    const { hcl, command = '' }: Readonly<Record<string, string | undefined>> = groups ?? {};
    return hcl === undefined ? { kind: 'run', command: command.trim() } : { kind: 'set', hcl };
  });
}

/** The variables of HCL, each with its name. */
function variablesIn(hcl: string): readonly (readonly [name: string, text: string])[] {
  return [...hcl.matchAll(/^(\w+) *= (?:\{\n[^]*?^\}|.*)$/gm)].map(([text, name = '']) => [name, text]);
}

describe('the runbook', { skip }, async () => {
  if (skip !== false) return;
  const terraform = await openTerraform();
  const variables = new Map<string, string>();

  test('leads from nothing to a registry, through all choices, and back to nothing', async () => {
    const ran: string[] = [];
    for (const step of steps()) {
      if (step.kind === 'set') {
        for (const [name, text] of variablesIn(step.hcl)) variables.set(name, text);
        variables.set('bundle_dir', 'bundle_dir = "tests/bundles"');
        const file = [...variables.values()].join('\n');
        const named = file.replace('$PROJECT', 'demo-project').replace('$REGION', 'europe-west1');
        await writeFile(join(terraform.folder, 'terraform.tfvars'), `${named}\n`);
        continue;
      }
      ran.push(step.command);
      // What a person answers with yes.
      const yes = /^(?:apply|destroy)$/.test(step.command) ? ['-auto-approve'] : [];
      const { exitCode, text } = await terraform.run(...step.command.split(' '), ...yes);
      assert.equal(
        exitCode,
        0,
        `terraform ${step.command}, with ${[...variables.values()].join(', ')}: ${text}`,
      );
      assert.doesNotMatch(text, /Value for undeclared variable/);
    }
    assert.ok(ran.length > 15, ran.join(', '));
    assert.deepEqual([ran[0], ran.at(-1)], ['init', 'destroy']);
    assert.ok(variables.size > 8, [...variables.keys()].join(', '));
    assert.equal((await terraform.run('state', 'list')).stdout, '');
  });
});
