import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '#core/digest.ts';
import { writeIndex } from '#core/oci.ts';

test('an index names each manifest with its size and platform, and has its own digest', () => {
  const [amd, arm] = [digestOf('amd64'), digestOf('arm64')];
  const { digest, bytes } = writeIndex(
    [
      { platform: 'linux/amd64', digest: amd, size: 7 },
      { platform: 'linux/arm64', digest: arm, size: 9 },
    ],
    { 'org.opencontainers.image.revision': 'r1' },
  );
  assert.equal(digest, digestOf(bytes));
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  assert.deepEqual(JSON.parse(bytes.toString()), {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      { mediaType, digest: amd, size: 7, platform: { architecture: 'amd64', os: 'linux' } },
      { mediaType, digest: arm, size: 9, platform: { architecture: 'arm64', os: 'linux' } },
    ],
    annotations: { 'org.opencontainers.image.revision': 'r1' },
  });
});
