// The lines that a program prints, to be waited for.

/** What a line has to contain, or to be. */
export type LineMatch = string | RegExp | ((line: string) => boolean);

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

  /** The first line from `since` on that matches, printed already or yet to come. Fails where the output ends without it. */
  async until(match: LineMatch, since = 0): Promise<string> {
    for (let next = since; ; next += 1) {
      while (next >= this.lines.length) {
        if (this.#isOver)
          throw new Error(`it ended, and "${String(match)}" was not printed:\n${this.lines.join('\n')}`);
        await this.#changed.promise;
      }
      const line = this.lines[next] ?? '';
      if (matches(line, match)) return line;
    }
  }

  /** How many lines match so far. */
  count(match: LineMatch): number {
    return this.lines.filter(line => matches(line, match)).length;
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function matches(line: string, match: LineMatch): boolean {
  if (typeof match === 'string') return line.includes(match);
  return match instanceof RegExp ? match.test(line) : match(line);
}
