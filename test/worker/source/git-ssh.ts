// A git server over SSH: OpenSSH's, with keys and configuration of its own, for whoever runs the tests.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { execa } from 'execa';

export interface GitSshServer {
  readonly address: string;
  /** The ssh command of a client: with the key that the server accepts, or another, and the host keys that it trusts. */
  readonly client: (key: 'accepted' | 'other', hosts?: 'known' | 'unknown') => string;
}

/** Serves until the test ends; keys and configuration are written below `folder`. */
export async function serveSsh(context: Pick<TestContext, 'after'>, folder: string): Promise<GitSshServer> {
  const file = (name: string): string => join(folder, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of ['host', 'accepted', 'other']) {
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file(name)]);
  }
  await writeFile(file('authorized_keys'), await readFile(file('accepted.pub')));
  await writeFile(
    file('sshd_config'),
    [
      `HostKey ${file('host')}`,
      `AuthorizedKeysFile ${file('authorized_keys')}`,
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'StrictModes no',
      'UsePAM no',
      'PidFile none',
    ].join('\n'),
  );
  // Where sshd is root it wants this folder, which Debian makes at boot.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });

  const server = createServer(socket => {
    // As inetd would: one connection, on standard input and output.
    const sshd = spawn('/usr/sbin/sshd', ['-i', '-e', '-f', file('sshd_config')], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    socket.on('error', () => undefined).pipe(sshd.stdin.on('error', () => undefined));
    sshd.stdout.pipe(socket);
    socket.on('close', () => sshd.kill());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  await writeFile(file('known'), `[127.0.0.1]:${port} ${await readFile(file('host.pub'), 'utf8')}`);
  return {
    address: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    client: (key, hosts = 'known') =>
      `ssh -F /dev/null -i ${file(key)} -o IdentitiesOnly=yes -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile=${file(hosts)}`,
  };
}
