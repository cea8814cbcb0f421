// Metrics and alerts: what they go by is what the programs say.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { failureSchema } from '#core/failure.ts';
import { openTerraform, skipWithoutTerraform } from './open-terraform.ts';
import { planned } from './planned.ts';

const skip = await skipWithoutTerraform();

const ROOT = resolve(import.meta.dirname, '../../..');

/** Where the lines of each component are written. */
const SOURCES: Readonly<Record<string, string>> = {
  janitor: 'functions/janitor',
  registry: 'functions/registry',
  worker: 'worker',
};

describe('monitoring', { skip }, async () => {
  if (skip !== false) return;
  const resources = await planned(await openTerraform());
  const metrics = resources.filter(({ type }) => type === 'google_logging_metric');
  const alerts = resources.filter(({ type }) => type === 'google_monitoring_alert_policy');

  test('counts lines that are written', () => {
    assert.ok(metrics.length > 0);
    for (const { address, values } of metrics) {
      const filter = String(values['filter']);
      const { component = '', message = '' } =
        /component = "(?<component>[^"]+)"\n.*message = "(?<message>[^"]+)"/.exec(filter)?.groups ?? {};
      const folder = SOURCES[component];
      assert.ok(folder, `${address}: a component, not ${component}`);
      const isWritten = globSync(`${folder}/**/*.ts`, { cwd: ROOT }).some(file =>
        readFileSync(join(ROOT, file), 'utf8').includes(`'${message}'`),
      );
      assert.ok(isWritten, `${folder} logs '${message}' (infra/metrics.tf, ${address})`);
    }
  });

  test('goes by metrics that are made, and by kinds of failures that there are', () => {
    assert.ok(alerts.length > 0);
    const made = metrics.map(
      ({ values }) => `logging_googleapis_com:user_${String(values['name']).replaceAll(/\W/g, '_')}`,
    );
    for (const { address, values } of [
      ...alerts,
      ...resources.filter(({ type }) => type === 'google_monitoring_dashboard'),
    ]) {
      const text = JSON.stringify(values);
      for (const [name] of text.matchAll(/logging_googleapis_com:\w+/g))
        assert.ok(made.includes(name), `${address}: ${name}`);
      for (const [, kinds = ''] of text.matchAll(/kind=~\\+"([^"\\]+)/g)) {
        for (const kind of kinds.split('|')) failureSchema.shape.kind.parse(kind);
      }
    }
  });

  test('says of every alert what it means', () => {
    for (const { address, values } of alerts) {
      const [documentation] = values['documentation'] as [{ content: string }];
      assert.ok(documentation.content.length > 80, address);
    }
  });
});
