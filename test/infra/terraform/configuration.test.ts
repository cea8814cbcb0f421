// The root module by Terraform's own checks: its form, its meaning, and the tests beside it (infra/tests).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openTerraform, skipWithoutTerraform } from './open-terraform.ts';

const skip = await skipWithoutTerraform();

describe('the root module', { skip }, async () => {
  if (skip !== false) return;
  const terraform = await openTerraform();

  test('is formatted', async () => {
    const { exitCode, text } = await terraform.run('fmt', '-check', '-recursive', '-diff');
    assert.equal(exitCode, 0, text);
  });

  test('is valid', async () => {
    const { exitCode, text } = await terraform.run('validate');
    assert.equal(exitCode, 0, text);
  });

  test('passes its own tests', async () => {
    const { exitCode, text } = await terraform.run('test');
    assert.equal(exitCode, 0, text);
  });
});
