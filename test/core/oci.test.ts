import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { z } from 'zod';
import { digestOf } from '#core/digest.ts';
import { MEDIA_TYPES, writeConfig, writeManifest, type ImageConfig } from '#core/oci.ts';
import { digest } from './arbitraries.ts';

const image: ImageConfig = {
  platform: 'linux/amd64',
  environment: { PATH: '/bin', SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt' },
  command: ['/bin/bash'],
  user: undefined,
  workingFolder: '/',
  labels: { 'org.opencontainers.image.revision': 'r1' },
  layers: [
    { diffId: digestOf('first tar'), createdBy: 'hello-2.10' },
    { diffId: digestOf('second tar'), createdBy: 'links to the packages' },
  ],
};

/** What a client reads of a configuration; strict, so that nothing else is written. */
const configSchema = z.strictObject({
  created: z.string(),
  architecture: z.string(),
  os: z.literal('linux'),
  config: z.record(z.string(), z.unknown()),
  rootfs: z.strictObject({ type: z.literal('layers'), diff_ids: z.array(z.string()) }),
  history: z.array(z.strictObject({ created: z.string(), created_by: z.string() })),
});

const parsed = (bytes: Buffer): unknown => JSON.parse(bytes.toString('utf8'));

describe('OCI documents', () => {
  test('the media types are those of the specification (image-spec, media-types.md)', () => {
    assert.deepEqual(MEDIA_TYPES, {
      manifest: 'application/vnd.oci.image.manifest.v1+json',
      index: 'application/vnd.oci.image.index.v1+json',
      config: 'application/vnd.oci.image.config.v1+json',
      gzipLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
      zstdLayer: 'application/vnd.oci.image.layer.v1.tar+zstd',
    });
  });

  // The bytes themselves: any change to them changes the digest of every image.
  test('one small image, byte for byte', () => {
    const config = writeConfig(image);
    assert.equal(config.bytes.toString('utf8'), GOLDEN_CONFIG);
    const layers = [
      { mediaType: MEDIA_TYPES.gzipLayer, digest: digestOf('first gzip'), size: 11 },
      { mediaType: MEDIA_TYPES.gzipLayer, digest: digestOf('second gzip'), size: 22 },
    ];
    const manifest = writeManifest(config, layers, { 'org.opencontainers.image.revision': 'r1' });
    assert.equal(manifest.bytes.toString('utf8'), GOLDEN_MANIFEST);
    assert.equal(manifest.digest, digestOf(GOLDEN_MANIFEST));
  });

  test('a blob’s digest is that of its bytes', () => {
    const config = writeConfig(image);
    assert.equal(config.digest, digestOf(config.bytes));
  });

  test('history and rootfs have an entry for each layer, in the layers’ order', () => {
    const layers = fc.array(fc.record({ diffId: digest, createdBy: fc.string() }));
    fc.assert(
      fc.property(layers, some => {
        const { rootfs, history } = configSchema.parse(parsed(writeConfig({ ...image, layers: some }).bytes));
        assert.deepEqual(rootfs.diff_ids, some.map(({ diffId }) => diffId)); // prettier-ignore
        assert.deepEqual(history.map(entry => entry.created_by), some.map(({ createdBy }) => createdBy)); // prettier-ignore
      }),
    );
  });

  test('the architecture is the platform’s, and there is no command where there is none', () => {
    const config = configSchema.parse(
      parsed(writeConfig({ ...image, platform: 'linux/arm64', command: undefined }).bytes),
    );
    assert.equal(config.architecture, 'arm64');
    assert.ok(!('Cmd' in config.config));
  });

  test('whoever runs the programs is named, but for root', () => {
    const nonroot = { ...image, user: '1000:1000', workingFolder: '/home/nonroot' };
    const { config } = configSchema.parse(parsed(writeConfig(nonroot).bytes));
    assert.equal(config['User'], '1000:1000');
    assert.equal(config['WorkingDir'], '/home/nonroot');
    assert.ok(!('User' in configSchema.parse(parsed(writeConfig(image).bytes)).config));
  });
});

const GOLDEN_CONFIG = JSON.stringify({
  created: '1970-01-01T00:00:01Z',
  architecture: 'amd64',
  os: 'linux',
  config: {
    Env: ['PATH=/bin', 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'],
    Cmd: ['/bin/bash'],
    WorkingDir: '/',
    Labels: { 'org.opencontainers.image.revision': 'r1' },
  },
  rootfs: {
    type: 'layers',
    diff_ids: [
      'sha256:2692dc413b6d45da162c23ff64ed302cb20742892acd11d67a8bcafba6360d42',
      'sha256:63b90cf1e6c8cd349a6ec9ef3f9e3f400bba75f492114816dd6e094fbb648663',
    ],
  },
  history: [
    { created: '1970-01-01T00:00:01Z', created_by: 'hello-2.10' },
    { created: '1970-01-01T00:00:01Z', created_by: 'links to the packages' },
  ],
});

const GOLDEN_MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: 'sha256:db83674cf122376c92e571093d22047c0b65fa86ed52605a6408259b2f13907d',
    size: 574,
  },
  layers: [
    {
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest: 'sha256:22c7e89565fe2b9aa54d742eb3ddc8e8f05d945183bbe83a7cc874bda1e1bae0',
      size: 11,
    },
    {
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest: 'sha256:e90d5b0fb944e9a27d72c951c0d2e02ff1d32bb32d7b9971ec528ab7f607055b',
      size: 22,
    },
  ],
  annotations: { 'org.opencontainers.image.revision': 'r1' },
});
