import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compute, gcpMetadata } from 'google-auth-library';
import { startMetadata } from '#local/metadata/server.ts';

const EMAIL = 'functions@test.iam.gserviceaccount.com';

test('the metadata stand-in tells Google’s library who it is, and nothing to those who do not ask properly', async context => {
  const server = await startMetadata({ email: EMAIL });
  context.after(() => server.close());
  process.env['GCE_METADATA_HOST'] = server.host;
  assert.equal(await gcpMetadata.instance('service-accounts/default/email'), EMAIL);
  const { token } = await new Compute().getAccessToken();
  assert.ok(token);

  const address = `http://${server.host}/computeMetadata/v1/instance/service-accounts/default/token`;
  assert.equal((await fetch(address)).status, 403);
  const headers = { 'metadata-flavor': 'Google' };
  assert.equal((await fetch(`${address}/x`, { headers })).status, 404);
  assert.equal((await fetch(address, { headers, method: 'POST' })).status, 404);
});
