// The two checksums that Cloud Storage keeps of every object, and those that a client declares.
import { createHash } from 'node:crypto';
import { crc32c, formatCrc32c } from '#core/crc32c.ts';
import { StorageError } from './errors.ts';

/** Both in base64, CRC32C big-endian, as in an object's resource. */
export interface Checksums {
  readonly crc32c: string;
  readonly md5Hash: string;
}

/** The checksums of bytes that come piece by piece; may be asked at any time. */
export class RunningChecksums {
  #crc = 0;
  readonly #md5 = createHash('md5');

  update(bytes: Uint8Array): void {
    this.#crc = crc32c(bytes, this.#crc);
    this.#md5.update(bytes);
  }

  get value(): Checksums {
    return { crc32c: formatCrc32c(this.#crc), md5Hash: this.#md5.copy().digest('base64') };
  }
}

/** What a client says the bytes will have: in its metadata, or in `X-Goog-Hash: crc32c=…,md5=…`. */
export type DeclaredChecksums = Partial<Checksums>;

/** Reads the value of an `X-Goog-Hash` header. Names that Google does not know are refused. */
export function parseGoogHash(header: string | readonly string[] | undefined): DeclaredChecksums {
  const declared: { crc32c?: string; md5Hash?: string } = {};
  for (const part of [header ?? []].flat().flatMap(value => value.split(','))) {
    const [, kind, value] = /^\s*(crc32c|md5)=(\S+)\s*$/.exec(part) ?? [];
    if (value === undefined) throw new StorageError(400, 'invalid', `Invalid X-Goog-Hash header: ${part}`);
    if (kind === 'md5') declared.md5Hash = value;
    else declared.crc32c = value;
  }
  return declared;
}

/** The value of an `X-Goog-Hash` header. */
export function formatGoogHash({ crc32c: crc, md5Hash }: Checksums): string {
  return `crc32c=${crc},md5=${md5Hash}`;
}

/** Refuses bytes that are not the ones that were declared, as 400. */
export function checkDeclared(declared: DeclaredChecksums, actual: Checksums): void {
  if (declared.crc32c !== undefined && declared.crc32c !== actual.crc32c) {
    throw new StorageError(
      400,
      'invalid',
      `Provided CRC32C "${declared.crc32c}" doesn't match calculated CRC32C "${actual.crc32c}".`,
    );
  }
  if (declared.md5Hash !== undefined && declared.md5Hash !== actual.md5Hash) {
    throw new StorageError(
      400,
      'invalid',
      `Provided MD5 hash "${declared.md5Hash}" doesn't match calculated MD5 hash "${actual.md5Hash}".`,
    );
  }
}
