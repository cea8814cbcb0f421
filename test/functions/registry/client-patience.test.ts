import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patienceOf, type ClientPatience } from '#functions/registry/client-patience.ts';

type Row = readonly [userAgent: string, ...ClientPatience[keyof ClientPatience][]];

/** As clients send them; of those in the first group the versions that are tested with here. */
const clients: readonly Row[] = [
  ['docker/20.10.24+dfsg1 go/go1.19.8 git-commit/5d6db84 kernel/6.1.0 os/linux arch/amd64 UpstreamClient(Docker-Client/20.10.24+dfsg1 \\(linux\\))', 'long', 'nine', 'message'],
  ['containerd/1.6.20~ds1', 'long', 'nine', 'address'],
  ['libpod/4.3.1', 'long', 'nine', 'message'],
  ['skopeo/1.9.3', 'long', 'nine', 'message'],
  ['Buildah/1.28.2', 'long', 'nine', 'message'],

  ['docker/29.7.0 go/go1.26.1 git-commit/1a2b3c4 kernel/6.12.0 os/linux arch/amd64 UpstreamClient(Docker-Client/29.7.0 \\(linux\\))', 'long', 'nine', 'message'],
  ['docker/27.0.3 go/go1.21.11 git-commit/662f78c kernel/5.15.153.1-microsoft-standard-WSL2 os/linux arch/amd64 containerd-client/1.7.18+unknown storage-driver/overlayfs UpstreamClient(Docker-Client/27.0.3 \\(linux\\))', 'long', 'nine', 'address'],
  ['docker/29.2.1 go/go1.25.6 git-commit/6bc6209 kernel/6.8.0-101-generic os/linux arch/amd64 containerd-client/2.2.1+unknown storage-driver/overlayfs UpstreamClient(Docker-Client/29.2.1 \\(linux\\))', 'long', 'nine', 'address'],
  ['docker/29.7.0 go/go1.26.1 git-commit/1a2b3c4 kernel/6.12.0 os/linux arch/arm64 containerd-client/2.3.3+unknown storage-driver/overlayfs UpstreamClient(Docker-Client/29.7.0 \\(darwin\\))', 'short', 'nine', 'address'],
  ['docker/30.0.0 go/go1.27 os/linux arch/amd64 containerd-client/v3.0.0 storage-driver/overlayfs', 'short', 'nine', 'address'],
  ['containerd/v1.7.27', 'long', 'nine', 'address'],
  ['containerd/v2.0.5', 'long', 'nine', 'address'],
  ['containerd/v2.2.4', 'long', 'nine', 'address'],
  ['containerd/v2.3.0', 'short', 'nine', 'address'],
  ['containerd/2.10.0+unknown', 'short', 'nine', 'address'],
  ['containerd/', 'short', 'nine', 'message'],
  ['nerdctl', 'short', 'nine', 'address'],
  ['buildkit/v0.23.2', 'short', 'nine', 'address'],
  ['buildkit/v0.13', 'short', 'nine', 'address'],
  ['containers/5.36.1 (github.com/containers/image)', 'long', 'nine', 'message'],
  ['cri-o/1.33.0 go/go1.24.3 os/linux arch/amd64', 'long', 'nine', 'message'],
  ['crane/0.16.1 go-containerregistry/0.16.1', 'long', 'nine', 'message'],
  ['go-containerregistry/v0.20.2', 'long', 'nine', 'message'],
  ['cosign/v2.2.4 (linux; amd64) go-containerregistry/v0.19.1', 'long', 'nine', 'message'],
  ['go-containerregistry/v0.21.5', 'long', 'nine', 'message'],
  ['go-containerregistry/v0.21.6', 'long', 'any', 'message'],
  ['crane/0.22.0 go-containerregistry/v0.22.0', 'long', 'any', 'message'],
  ['go-containerregistry', 'long', 'nine', 'message'],
  ['oras/1.2.3+Homebrew', 'long', 'nine', 'message'],
  ['oras-go', 'long', 'nine', 'message'],
  ['oras-go/v2.6.0', 'long', 'nine', 'message'],
  ['oras-go/v2.6.1', 'long', 'any', 'message'],
  ['regclient/regctl (v0.11.5)', 'long', 'nine', 'message'],

  // Whoever is not known, or says that it is somebody else.
  ['', 'short', 'nine', 'message'],
  ['Go-http-client/1.1', 'short', 'nine', 'message'],
  ['curl/7.88.1', 'short', 'nine', 'message'],
  ['node', 'short', 'nine', 'message'],
  ['Mozilla/5.0 (X11; Linux x86_64) docker/29.0.0', 'short', 'nine', 'message'],
  ['my-containerd-thing', 'short', 'nine', 'message'],
  ['x'.repeat(16_000), 'short', 'nine', 'message'],
]; // prettier-ignore

for (const [userAgent, hold, redirects, shows] of clients) {
  test(`"${userAgent.slice(0, 60)}…" waits ${hold}, follows ${redirects}, shows the ${shows}`, () => {
    assert.deepEqual(patienceOf(userAgent), { hold, redirects, shows });
  });
}

test('a client that does not say who it is is treated with care', () => {
  assert.deepEqual(patienceOf(undefined), patienceOf('something new/1.0'));
});
