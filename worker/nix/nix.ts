// The Nix that a worker uses: which store, with which settings.
import { join } from 'node:path';
import type { StorePath } from '#core/store-path.ts';

export interface NixSettings {
  /** Absolute folder of a store of the worker's own (a chroot store: its paths are still called /nix/store/…). */
  readonly store: string | undefined;
  /** Lines of nix.conf, as the variable NIX_CONFIG has them. */
  readonly config: string;
  /** Memory that each process of a Nix command may have, in MiB; unlimited where it is not said. */
  readonly memoryMb?: number | undefined;
  /** What an evaluation may take; without it, memory is bounded as that of any other command, and time is not. */
  readonly evaluation?: EvaluationLimits | undefined;
  /** How addresses begin that an evaluation may fetch from what they pin (Nix's `allowed-uris`); by default the web's. */
  readonly pinnedUris?: readonly string[] | undefined;
}

export interface EvaluationLimits {
  readonly seconds: number;
  /** In MiB. */
  readonly memoryMb: number;
}

export interface Nix {
  /** The whole environment of every Nix command. */
  readonly environment: Readonly<Record<string, string>>;
  /** Arguments of every Nix command. */
  readonly options: readonly string[];
  /** See {@link NixSettings}. */
  readonly memoryMb: number | undefined;
  /** See {@link NixSettings}. */
  readonly evaluation: EvaluationLimits | undefined;
  /** See {@link NixSettings}. */
  readonly pinnedUris: readonly string[];
  /** Where a store path lies on this machine. */
  readonly realPath: (path: StorePath) => string;
  /** Where Nix keeps what it knows of the store: its database, its locks, and the garbage collector's roots. */
  readonly stateFolder: string;
}

/**
 * What Nix may see of the worker's environment: where programs, caches and temporary files are, and how the network is
 * reached. Nothing that changes what packages mean (NIXPKGS_ALLOW_UNFREE, NIX_PATH and the like act in evaluation).
 */
const INHERITED = [
  'PATH',
  'HOME',
  'TMPDIR',
  'XDG_CACHE_HOME',
  'NIX_SSL_CERT_FILE',
  'SSL_CERT_FILE',
  'http_proxy',
  'https_proxy',
  'all_proxy',
  'no_proxy',
];

/** The web: never this machine, nor what is read by SSH. From 2.19 on Nix names the kind of what it fetches too. */
const WEB_URIS = [
  'https://',
  'http://',
  'git+https://',
  'git+http://',
  'tarball+https://',
  'tarball+http://',
  'github:',
  'gitlab:',
  'sourcehut:',
];

export function openNix(
  { store, config, memoryMb, evaluation, pinnedUris = WEB_URIS }: NixSettings,
  worker: NodeJS.ProcessEnv = process.env,
): Nix {
  const inherited = INHERITED.flatMap(name => {
    const value = worker[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    environment: { ...Object.fromEntries(inherited), NIX_CONFIG: config },
    options: store === undefined ? [] : ['--option', 'store', store],
    memoryMb,
    evaluation,
    pinnedUris,
    realPath: path => (store === undefined ? path : join(store, path)),
    stateFolder: join(store ?? '/', 'nix/var/nix'),
  };
}
