// One machine, from its start to its stop.

/** https://cloud.google.com/compute/docs/instances/instance-lifecycle */
export type MachineStatus = 'TERMINATED' | 'STAGING' | 'RUNNING' | 'STOPPING';

/** What goes on in each state; the next one begins when it ends. A machine that runs stops by itself when its program has ended. */
export interface MachineLife {
  readonly staging?: () => Promise<void>;
  readonly running: () => Promise<void>;
  readonly stopping?: () => Promise<void>;
}

export class Machine {
  readonly #life: MachineLife;
  #status: MachineStatus = 'TERMINATED';
  #changed = Promise.withResolvers<void>();
  #broken: unknown;

  constructor(life: MachineLife) {
    this.#life = life;
  }

  get status(): MachineStatus {
    return this.#status;
  }

  /** Where it runs already, or is about to, there is nothing to do. */
  start(): 'accepted' | 'not-ready' {
    if (this.#status === 'STOPPING') return 'not-ready';
    if (this.#status === 'TERMINATED') {
      this.#live().catch((error: unknown) => {
        this.#broken = error;
        this.#changed.resolve();
      });
    }
    return 'accepted';
  }

  /** Resolves when it stands so, at once where it does; fails where what goes on in it has. */
  async until(wanted: MachineStatus): Promise<void> {
    while (this.#status !== wanted) {
      if (this.#broken !== undefined) throw new Error('the machine broke', { cause: this.#broken });
      await this.#changed.promise;
    }
  }

  async #live(): Promise<void> {
    this.#enter('STAGING');
    await this.#life.staging?.();
    this.#enter('RUNNING');
    await this.#life.running();
    this.#enter('STOPPING');
    await this.#life.stopping?.();
    this.#enter('TERMINATED');
  }

  #enter(status: MachineStatus): void {
    this.#status = status;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
