// A file of users for a test, removed behind it.
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hash } from '@node-rs/bcrypt';

/** As little as bcrypt may cost: what is tested is not how long it takes. */
const COST = 4;

/** One line of a file of users, as `htpasswd -B` writes it. */
export async function userLine(user: string, password: string, cost = COST): Promise<string> {
  return `${user}:${await hash(password, { cost, version: '2y' })}`;
}

export class UsersFile implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 'users');
  }

  static async of(...lines: readonly string[]): Promise<UsersFile> {
    const file = new UsersFile(await mkdtemp(join(tmpdir(), 'derivery-users-')));
    await file.replace(...lines);
    return file;
  }

  /** Another file takes its place, as a whole. */
  async replace(...lines: readonly string[]): Promise<void> {
    await writeFile(`${this.path}.next`, `${lines.join('\n')}\n`);
    await rename(`${this.path}.next`, this.path);
  }

  async remove(): Promise<void> {
    await rm(this.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
