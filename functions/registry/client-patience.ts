// What a client can be made to do while a build runs, by its User-Agent. Sources: containerd's core/remotes/docker/registry.go,
// moby's daemon, containers/image, go-containerregistry's fetcher.go, oras-go's auth/client.go.

export interface ClientPatience {
  /** Whether it waits for headers as long as the connection lives, or for less than half a minute. */
  readonly hold: 'short' | 'long';
  /** How many redirects it follows: Go's HTTP client nine, unless it is told otherwise (net/http, defaultCheckRedirect). */
  readonly redirects: 'nine' | 'any';
  /** What its person sees of an error: its message, or no more than the address that it came from. */
  readonly shows: 'message' | 'address';
}

/** Believed of whoever is not known. */
const CAUTIOUS: ClientPatience = { hold: 'short', redirects: 'nine', shows: 'message' };

/** The first pattern that fits counts; `major`, `minor` and `patch` are compared with what a rule names. */
const RULES: readonly (readonly [pattern: RegExp, patience: (version: Version) => ClientPatience])[] = [
  // Inside of dockerd too: its transport is containerd's of whatever version, which it does not say.
  [/\bbuildkit\//i, () => ({ ...CAUTIOUS, shows: 'address' })],
  // containerd, ctr, the kubelet's; Docker with the containerd image store. From 2.3 on it gives up on headers after 30 s.
  [
    /\b(?:containerd|containerd-client|nerdctl)\/v?(?<major>\d+)\.(?<minor>\d+)/i,
    version => ({ hold: isBefore(version, [2, 3]) ? 'long' : 'short', redirects: 'nine', shows: 'address' }),
  ],
  [/^nerdctl\b/i, () => ({ ...CAUTIOUS, shows: 'address' })],
  [/^docker\/\d/, () => ({ ...CAUTIOUS, hold: 'long' })],
  [/^(?:containers|skopeo|libpod|podman|Buildah|cri-o)\//i, () => ({ ...CAUTIOUS, hold: 'long' })],
  // crane, ko, kaniko, cosign.
  [
    /\bgo-containerregistry\/v?(?<major>\d+)\.(?<minor>\d+)\.(?<patch>\d+)/,
    version => ({ ...CAUTIOUS, hold: 'long', redirects: isBefore(version, [0, 21, 6]) ? 'nine' : 'any' }),
  ],
  [/\bgo-containerregistry\b/, () => ({ ...CAUTIOUS, hold: 'long' })],
  // The library; the program `oras` names its own version only, by which nobody can tell.
  [
    /\boras-go\/v?(?<major>\d+)\.(?<minor>\d+)\.(?<patch>\d+)/,
    version => ({ ...CAUTIOUS, hold: 'long', redirects: isBefore(version, [2, 6, 1]) ? 'nine' : 'any' }),
  ],
  [/^oras(?:-go)?(?:\/|$)/, () => ({ ...CAUTIOUS, hold: 'long' })],
  [/^(?:regclient|regctl|regsync|regbot)\b/, () => ({ ...CAUTIOUS, hold: 'long' })],
];

export function patienceOf(userAgent: string | undefined): ClientPatience {
  for (const [pattern, patience] of RULES) {
    const match = pattern.exec(userAgent ?? '');
    if (match !== null) return patience(match.groups ?? {});
  }
  return CAUTIOUS;
}

type Version = Readonly<Record<string, string | undefined>>;

function isBefore({ major, minor, patch }: Version, than: readonly number[]): boolean {
  const version = [major, minor, patch].map(part => Number(part ?? 0));
  for (const [index, bound] of than.entries()) {
    const part = version[index] ?? 0;
    if (part !== bound) return part < bound;
  }
  return false;
}
