// The lines that a program prints, to be waited for.

export class LineLog {
  readonly lines: string[] = [];
  #isOver = false;
  #changed = Promise.withResolvers<void>();

  add(line: string): void {
    this.lines.push(line);
    this.#wake();
  }

  /** Nothing more will come. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** The first line from `since` on that matches, printed already or yet to come. Fails where the program ends without it. */
  async until(matches: (line: string) => boolean, since = 0): Promise<string> {
    for (let next = since; ; next += 1) {
      while (next >= this.lines.length) {
        if (this.#isOver) throw new Error(`the program ended without the line:\n${this.lines.join('\n')}`);
        await this.#changed.promise;
      }
      const line = this.lines[next] ?? '';
      if (matches(line)) return line;
    }
  }

  /** How many lines match so far. */
  count(matches: (line: string) => boolean): number {
    return this.lines.filter(matches).length;
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
