export type DebianArchitecture = 'amd64' | 'arm64';

/** What the bundled package set is made for, whatever the machine is. */
export const ARCHITECTURES: readonly DebianArchitecture[] = ['amd64', 'arm64'];

/** How Nix calls a Linux on the architecture. */
export const NIX_SYSTEMS = {
  amd64: 'x86_64-linux',
  arm64: 'aarch64-linux',
} as const satisfies Record<DebianArchitecture, string>;
