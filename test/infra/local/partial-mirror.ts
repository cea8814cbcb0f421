// A mirror of the machine's Debian sources that has the package lists of one architecture only.
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import type { TestContext } from 'node:test';
import { debianSources, type AptSource } from '#local/debian/apt-sources.ts';
import { openApt } from '#local/debian/apt.ts';

/**
 * Serves what apt itself has fetched, with Debian's signatures, from `folder`. It has no packages.
 * Hands back its sources.
 */
export async function partialMirror(
  context: TestContext,
  folder: string,
  architecture: string,
): Promise<AptSource[]> {
  await openApt({ folder, architecture, signal: undefined });
  const lists = join(folder, 'state/lists');
  // apt names them by their addresses: deb.debian.org_debian_dists_bookworm_InRelease
  const files = new Map((await readdir(lists)).map(name => [name.replace(/\.lz4$/, ''), join(lists, name)]));
  const server = createServer(({ url = '' }, response) => {
    const file = files.get(url.slice(1).replaceAll('/', '_'));
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const content = execa('/usr/lib/apt/apt-helper', ['cat-file', file], { buffer: false });
    // Whatever is amiss, apt finds it.
    pipeline(content.stdout, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return (await debianSources()).map(({ uri, suite }) => ({
    uri: uri.replace(/^\w+:\/\//, `http://127.0.0.1:${port}/`),
    suite,
  }));
}
