// What happened in a soak, in the order in which it was seen: one line of JSON each, to be judged and to be read afterwards.
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** How a pull ended for whoever pulled. */
export type PullOutcome =
  | {
      readonly kind: 'image';
      readonly digest: string;
      /** The package set's revision that the image says it was made from. */
      readonly revision: string;
      /** The lines that its packages brought, by package and platform, where all of it was fetched. */
      readonly contents?: Readonly<Record<string, string>>;
    }
  /** The registry says that there is no such image. */
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }
  /** A digest that was an image's is not known any more. */
  | { readonly kind: 'forgotten' }
  /** What came was not what had been promised. */
  | { readonly kind: 'wrong'; readonly why: string }
  /** It was cut short for good, or took longer than any client waits. */
  | { readonly kind: 'unfinished'; readonly why: string };

export interface PullRecord {
  readonly kind: 'pull';
  readonly pull: number;
  readonly client: 'node' | 'skopeo' | 'podman';
  readonly name: string;
  /** A tag or a digest. */
  readonly reference: string;
  readonly beganAt: number;
  readonly outcome: PullOutcome;
  /** Whether it came after the last fault, and after what that had left as an answer. */
  readonly atRest: boolean;
}

export interface RequestRecord {
  readonly kind: 'request';
  readonly pull: number;
  readonly to: 'registry' | 'storage';
  readonly what: 'manifest' | 'blob';
  readonly path: string;
  readonly beganAt: number;
  /** 0 where no answer came, or was cut. */
  readonly status: number;
  /** What the registry said, where that was no success; or how the connection ended. */
  readonly told?: string;
  /** Of a blob: when the manifest that names it was answered. */
  readonly namedAt?: number;
}

export type SoakRecord =
  | PullRecord
  | RequestRecord
  | { readonly kind: 'run'; readonly seed: number; readonly minutes: number }
  /** The package set has this version from now on, under this revision. */
  | { readonly kind: 'version'; readonly version: number; readonly revision: string }
  /** What was broken, and for how long. Milliseconds; 0 where it is over at once. */
  | { readonly kind: 'fault'; readonly fault: string; readonly target: string; readonly lastsMs: number }
  | {
      readonly kind: 'program';
      readonly program: string;
      readonly pid: number;
      readonly event: 'started' | 'ready' | 'ended';
      readonly how?: string;
    }
  | { readonly kind: 'memory'; readonly program: string; readonly pid: number; readonly mib: number }
  /** From here on nothing is broken any more. */
  | { readonly kind: 'rest' };

/** A record as it is kept. */
export type Noted = SoakRecord & {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The line of the history's file. */
  readonly line: number;
};

export type History = ReturnType<typeof openHistory>;

/** Begins a history in this file. What was noted is on disk at once. */
export function openHistory(file: string) {
  mkdirSync(dirname(file), { recursive: true });
  const noted: Noted[] = [];
  return {
    file,
    noted: noted as readonly Noted[],
    note(record: SoakRecord): void {
      const entry = { at: Date.now(), line: noted.length + 1, ...record };
      noted.push(entry);
      appendFileSync(file, `${JSON.stringify(entry)}\n`);
    },
  };
}
