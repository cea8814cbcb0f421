// Every choice of whoever deploys is made otherwise than by default in Terraform's own tests and in the example of all, and every
// refusal of a variable is met with.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT_MODULE } from './open-terraform.ts';

const read = (file: string): string => readFileSync(join(ROOT_MODULE, file), 'utf8');

interface Variable {
  readonly name: string;
  readonly file: string;
  readonly text: string;
}

const VARIABLES: readonly Variable[] = globSync('variables*.tf', { cwd: ROOT_MODULE }).flatMap(file =>
  [...read(file).matchAll(/^variable "(\w+)" \{\n.*?^\}/gms)].map(([text, name = '']) => ({
    name,
    file,
    text,
  })),
);

const CHOICES = read('tests/choices.tftest.hcl');
const REFUSALS = read('tests/refusals.tftest.hcl');
const EVERYTHING = read('examples/everything.tfvars');

/** What every test and every deployment has to say, or has to say differently. */
const NEEDED = ['project', 'region', 'bundle_dir'];

/** What a variable is set to, each time. */
function valuesIn(text: string, variable: string): string[] {
  const set = new RegExp(String.raw`^ *${variable} += (\{\n.*?^ *\}|.*)$`, 'gms');
  return [...text.matchAll(set)].map(([, value = '']) => value);
}

/** The fields of a variable that is an object. */
const fieldsOf = ({ text }: Variable): string[] =>
  [...text.matchAll(/^ {4}(\w+) += optional\(/gm)].map(([, field = '']) => field);

describe('the variables', () => {
  test('say what they are, and of which type, by name in each file', () => {
    assert.ok(VARIABLES.length > 20);
    for (const { name, text } of VARIABLES) {
      assert.match(text, /^ {2}description = /m, name);
      assert.match(text, /^ {2}type +=/m, name);
    }
    for (const file of new Set(VARIABLES.map(variable => variable.file))) {
      const names = VARIABLES.filter(variable => variable.file === file).map(({ name }) => name);
      assert.deepEqual(names, names.toSorted(), file);
    }
  });

  test('are all chosen in tests, with every field that they have', () => {
    for (const variable of VARIABLES.filter(({ name }) => !NEEDED.includes(name))) {
      const values = valuesIn(CHOICES, variable.name);
      assert.ok(values.length > 0, `${variable.name} is set in infra/tests/choices.tftest.hcl`);
      for (const field of fieldsOf(variable)) {
        const isSet = values.some(value => new RegExp(String.raw`\b${field} +=`).test(value));
        assert.ok(isSet, `${variable.name}.${field} is set in infra/tests/choices.tftest.hcl`);
      }
    }
  });

  test('are all chosen in the example of everything', () => {
    for (const { name } of VARIABLES.filter(variable => !NEEDED.includes(variable.name)))
      assert.ok(valuesIn(EVERYTHING, name).length > 0, `${name} is set in infra/examples/everything.tfvars`);
  });

  test('are each refused once for every reason that they give', () => {
    for (const { name, text } of VARIABLES) {
      const reasons = text.match(/^ {2}validation \{/gm)?.length ?? 0;
      const refused = REFUSALS.split(`expect_failures = [var.${name}]`).length - 1;
      assert.ok(refused >= reasons, `${name} has ${reasons} reasons to be refused, and is ${refused} times`);
    }
  });
});
