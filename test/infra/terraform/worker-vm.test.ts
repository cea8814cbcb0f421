// What makes a worker of a blank Debian (infra/worker-vm), as it is in the machine's metadata.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { execa } from 'execa';
import { openTerraform, skipWithoutTerraform } from './open-terraform.ts';
import { planned } from './planned.ts';

const skip = await skipWithoutTerraform();

/** What Compute Engine itself reads. */
const GOOGLES = ['block-project-ssh-keys', 'enable-oslogin', 'serial-port-logging-enable', 'startup-script'];

for (const mode of ['on-demand', 'fleet']) {
  describe(`the machine of a worker, ${mode}`, { skip }, async () => {
    if (skip !== false) return;
    const terraform = await openTerraform();
    const nixConfig = '-var=worker={nix_config = "extra-platforms = aarch64-linux"}';
    const resources = await planned(terraform, `-var=worker_mode=${mode}`, nixConfig);
    const machine = resources.find(({ type }) =>
      ['google_compute_instance', 'google_compute_region_instance_template'].includes(type),
    );
    const metadata = machine?.values['metadata'] as Readonly<Record<string, string>>;
    const startup = metadata['startup-script'] ?? '';

    test('has a startup script without a fault that shellcheck finds', async () => {
      const { exitCode, all } = await execa(
        'shellcheck',
        ['--enable=all', '--exclude=SC2250,SC2310,SC2312', '-'],
        {
          input: startup,
          reject: false,
          all: true,
        },
      );
      assert.equal(exitCode, 0, all);
    });

    test('has in its metadata what the startup script asks for, and no more', () => {
      const asked = [...startup.matchAll(/\b(?:keep|attribute) ([a-z][a-z0-9-]*)/g)].map(
        ([, name]) => `derivery-${name}`,
      );
      assert.deepEqual([...new Set(asked), ...GOOGLES].toSorted(), Object.keys(metadata).toSorted());
    });

    test('fetches what is in the bucket, by its hash', () => {
      for (const [name, file] of Object.entries({ bundle: 'worker.tar.gz', node: 'node' })) {
        const content = readFileSync(join(terraform.folder, 'tests/bundles', file));
        const hash = createHash('sha256').update(content).digest('hex');
        assert.equal(metadata[`derivery-${name}-sha256`], hash);
        assert.ok(metadata[`derivery-${name}`]?.includes(hash), name);
        const object = metadata[`derivery-${name}`]?.split('/')[1];
        assert.ok(
          resources.some(({ values }) => values['name'] === object),
          object,
        );
      }
    });

    test('has the operator’s settings of Nix behind ours', () => {
      const lines = metadata['derivery-nix-conf']?.trimEnd().split('\n') ?? [];
      assert.ok(lines.includes('sandbox = true'));
      assert.equal(lines.at(-1), 'extra-platforms = aarch64-linux');
    });

    test('has units that systemd knows', async t => {
      const found = await execa('systemd-analyze', ['--version'], { reject: false });
      if (found.failed) return t.skip('systemd is not installed');
      await using folder = await mkdtempDisposable(join(tmpdir(), 'derivery-units-'));
      const files = await Promise.all(
        ['worker', 'roll'].map(async name => {
          const file = join(folder.path, `derivery-${name}.service`);
          await writeFile(file, metadata[`derivery-${name}-service`] ?? '');
          return file;
        }),
      );
      const { all } = await execa('systemd-analyze', ['verify', ...files], { reject: false, all: true });
      // Nix and the worker are not on this machine as they are there.
      const problems = all
        .split('\n')
        .filter(line => !/^$|nix-daemon\.socket|\/opt\/derivery\/node/.test(line));
      assert.deepEqual(problems, []);
    });
  });
}
