/** Collects text and keeps only its end: `limit` characters (UTF-16 code units). */
export class Tail {
  readonly #limit: number;
  #kept = '';

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(text: string): void {
    this.#kept += text;
    // Cut seldom: each cut copies what is kept.
    if (this.#kept.length > 2 * this.#limit) this.#kept = this.text();
  }

  text(): string {
    return this.#limit === 0 ? '' : this.#kept.slice(-this.#limit);
  }
}
