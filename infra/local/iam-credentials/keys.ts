// The keys of service accounts, which Google makes and never shows.
import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface AccountKey {
  /** 40 hexadecimal digits, as Google's: here a hash of the public key. */
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const ENDING = '.pem';

/** The keys in a folder: one RSA key for each service account, made when it is first asked for. */
export class AccountKeys {
  readonly #folder: string;
  readonly #keys = new Map<string, AccountKey>();
  readonly #making = new Map<string, Promise<AccountKey>>();

  /** Reads the keys that are there. */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const file of readdirSync(folder)) {
      if (!file.endsWith(ENDING)) continue;
      const pem = readFileSync(join(folder, file), 'utf8');
      this.#keys.set(decodeURIComponent(file.slice(0, -ENDING.length)), toAccountKey(createPrivateKey(pem)));
    }
  }

  /** The key of an account that has one. */
  get(email: string): AccountKey | undefined {
    return this.#keys.get(email);
  }

  /** The key of an account; it is on disk before it is returned. */
  async getOrMake(email: string): Promise<AccountKey> {
    const key = this.#keys.get(email);
    if (key !== undefined) return key;
    const making = this.#making.get(email) ?? this.#make(email).finally(() => this.#making.delete(email));
    this.#making.set(email, making);
    return making;
  }

  async #make(email: string): Promise<AccountKey> {
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
    const file = join(this.#folder, encodeURIComponent(email) + ENDING);
    // Renamed into place: a process that dies in between leaves no half a key under the name.
    await writeFile(`${file}.new`, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    await rename(`${file}.new`, file);
    const key = toAccountKey(privateKey);
    this.#keys.set(email, key);
    return key;
  }
}

function toAccountKey(privateKey: KeyObject): AccountKey {
  const publicKey = createPublicKey(privateKey);
  const id = createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  return { id, privateKey, publicKey };
}
