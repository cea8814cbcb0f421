// Registries and workers of a test's own over one cloud: as many as it wants, each a process that can be stopped, killed
// and started again by itself.
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ALWAYS_PACKAGES } from '#core/image-settings.ts';
import { NO_LIMITS } from '#local/local-environment.ts';
import { SUBSCRIPTION } from '#local/resources.ts';
import { startRun, type Ending } from '#local/supervised-program.ts';
import { BUCKET, PROJECT, type Cloud } from '#test/cloud.ts';
import type { DebianSet } from '#test/nix/debian-set.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { COME_LINE, SET_LINE, type SignalMessage } from './steps/signal-message.ts';
import { LineLog } from './line-log.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PRELOAD = pathToFileURL(join(import.meta.dirname, 'steps/preload.ts')).href;

/** How long a program may take to end when it is asked to. Milliseconds. */
const GRACE_MS = 30_000;

export interface FleetProgram {
  readonly pid: number;
  readonly log: LineLog;
  /** `exit code 0`, `killed by SIGKILL`: resolves when the process is gone. */
  readonly ended: Promise<Ending>;
  /** Has it get a signal at the last of these steps (steps/watch-steps.ts), once they have happened in this order. */
  signalAt(signal: SignalMessage['signal'], steps: readonly string[]): Promise<void>;
  /** Resolves when that signal has come. */
  untilSignal(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Ends it without asking; resolves when it is gone, also where it was already. */
  kill(): Promise<void>;
  /** Asks it to end, and answers how it did. */
  stop(): Promise<Ending>;
}

export interface FleetRegistry extends FleetProgram {
  /** `127.0.0.1:PORT`: what an image's name begins with. */
  readonly address: string;
}

export class Fleet implements AsyncDisposable {
  readonly spool: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #programs = new Set<FleetProgram>();

  private constructor(spool: string, environment: NodeJS.ProcessEnv) {
    this.spool = spool;
    this.#environment = environment;
  }

  /** A fleet with topics and a spool of its own; packages come from the folder `source`, and Nix's store is the set's. */
  static async start(
    cloud: Cloud,
    set: DebianSet,
    source: string,
    settings: NodeJS.ProcessEnv,
  ): Promise<Fleet> {
    const names = { builds: `builds-${randomUUID()}`, refreshes: `refreshes-${randomUUID()}` };
    for (const name of Object.values(names)) {
      const [topic] = await cloud.pubsub.createTopic(name);
      await topic.createSubscription(name, SUBSCRIPTION);
    }
    const spool = await mkdtemp(join(tmpdir(), 'derivery-spool-'));
    return new Fleet(spool, {
      ...process.env,
      NODE_OPTIONS: `--import ${PRELOAD}`,
      NODE_ENV: 'production',
      GOOGLE_CLOUD_PROJECT: PROJECT,
      DERIVERY_SOURCE: `path:${source}`,
      DERIVERY_BUILDS_TOPIC: names.builds,
      DERIVERY_REFRESHES_TOPIC: names.refreshes,
      DERIVERY_BUILDS_SUBSCRIPTION: names.builds,
      DERIVERY_REFRESHES_SUBSCRIPTION: names.refreshes,
      DERIVERY_BUCKET: BUCKET,
      DERIVERY_BLOB_URL: `${cloud.storageUrl}/${BUCKET}/blobs`,
      DERIVERY_HOP_SECRET: randomUUID(),
      ...NO_LIMITS,
      DERIVERY_SPOOL: spool,
      DERIVERY_NIX_STORE: set.store,
      // It is all tests' store: whether the machine's disk is nearly full or not, it is not collected.
      DERIVERY_STORE_FREE_GB: '0',
      NIX_CONFIG: set.nix.environment['NIX_CONFIG'],
      ...settings,
    });
  }

  async startRegistry(settings: NodeJS.ProcessEnv = {}): Promise<FleetRegistry> {
    const { program, port } = await this.#start('registry', 'infra/local/function-server.ts', {
      PORT: '0',
      FUNCTION_SOURCE: join(ROOT, 'functions/registry/index.ts'),
      FUNCTION_TARGET: 'registry',
      ...settings,
    });
    return { ...program, address: `127.0.0.1:${port}` };
  }

  async startWorker(settings: NodeJS.ProcessEnv = {}): Promise<FleetProgram> {
    return (await this.#start('worker', 'worker/index.ts', settings)).program;
  }

  /** Layers that lie in the spool. */
  async spooled(): Promise<string[]> {
    return (await readdir(this.spool)).filter(name => name !== 'sources' && name !== 'known');
  }

  async #start(name: string, file: string, settings: NodeJS.ProcessEnv) {
    const log = new LineLog();
    const environment = { ...this.#environment, ...settings };
    const run = startRun(
      { name, file: join(ROOT, file), environment: () => environment, restarts: false },
      line => log.add(line),
    );
    void run.ended.then(() => log.end());
    const program: FleetProgram = {
      pid: run.pid,
      log,
      ended: run.ended,
      async signalAt(signal, steps) {
        const since = log.lines.length;
        run.send({ type: 'signal-at', signal, steps: [...steps] } satisfies SignalMessage);
        await log.until(SET_LINE, since);
      },
      untilSignal: async () => void (await log.until(COME_LINE)),
      signal: signal => void process.kill(run.pid, signal),
      kill: () => run.end(0),
      async stop() {
        await run.end(GRACE_MS);
        return run.ended;
      },
    };
    this.#programs.add(program);
    try {
      const { port } = await run.ready;
      return { program, port };
    } catch (error) {
      throw new Error(`${String(error)}\n${log.lines.join('\n')}`, { cause: error });
    }
  }

  /** Ends all that still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#programs, program => program.stop()));
    await rm(this.spool, { recursive: true, force: true });
  }
}

/** A package set of small packages that nobody has built before, and of those that every image has. */
export function smallPackages(context: TestContext, names: readonly string[]): Promise<string> {
  const script = (name: string): string => `mkdir $out; echo ${name} ${randomUUID()} >$out/content`;
  const all = [...ALWAYS_PACKAGES, ...names];
  return scratchSet(context, Object.fromEntries(all.map(name => [name, script(name)])));
}
