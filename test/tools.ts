// Programs that the tests run, installed from Debian where they are missing.
import { installMissing, type Prerequisite } from '#local/prerequisites.ts';
import { thisMachine } from '#local/machine.ts';

/** What a test needs besides what the product itself does. */
const TOOLS: readonly Prerequisite[] = [
  { command: 'dockerd', debianPackage: 'docker.io' },
  { command: 'docker', debianPackage: 'docker.io' },
  { command: 'skopeo', debianPackage: 'skopeo' },
  { command: 'podman', debianPackage: 'podman' },
  { command: 'buildah', debianPackage: 'buildah' },
  { command: 'git', debianPackage: 'git' },
  { command: 'ssh', debianPackage: 'openssh-client' },
  { command: 'sshd', debianPackage: 'openssh-server' },
  { command: 'qemu-aarch64-static', debianPackage: 'qemu-user-static' },
  { command: 'debootstrap', debianPackage: 'debootstrap' },
  { command: 'shellcheck', debianPackage: 'shellcheck' },
  { command: 'tar', debianPackage: 'tar' },
  { command: 'unzip', debianPackage: 'unzip' },
];

/** Installs what is missing, with one line before; throws a sentence that says what to install where it cannot. */
export async function installTools(report: (text: string) => void): Promise<void> {
  await installMissing(TOOLS, await thisMachine(), report);
}
