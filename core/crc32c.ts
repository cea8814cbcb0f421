// CRC32C, the checksum that Cloud Storage keeps of every object.

/**
 * The CRC32C (Castagnoli) of `bytes`, or of everything so far when `previous` is the checksum of what came before:
 * `crc32c(b, crc32c(a))` is that of `a` followed by `b`. An unsigned 32-bit number; that of no bytes is 0.
 *
 * Reads eight bytes per step ("slicing-by-8", Kounavis and Berry 2008): layers are hundreds of megabytes, and the
 * byte-wise way of Google's client does 85 MB/s.
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % 8);
  let crc = ~previous;
  let at = 0;
  for (; at < whole; at += 8) {
    const low = crc ^ view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    crc =
      advance(7, low) ^
      advance(6, low >>> 8) ^
      advance(5, low >>> 16) ^
      advance(4, low >>> 24) ^
      advance(3, high) ^
      advance(2, high >>> 8) ^
      advance(1, high >>> 16) ^
      advance(0, high >>> 24);
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ advance(0, crc ^ view.getUint8(at));
  return ~crc >>> 0;
}

/** A CRC32C as Google prints it: base64 of its four bytes, big-endian (`AAAAAA==` for 0). */
export function formatCrc32c(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}

/** The CRC32C that Google printed, or undefined where `text` is not the base64 of exactly four bytes. */
export function parseCrc32c(text: string): number | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === 4 && bytes.toString('base64') === text ? bytes.readUInt32BE() : undefined;
}

/** The Castagnoli polynomial 0x1EDC6F41, bits reversed (RFC 3720, 12.1). */
const POLYNOMIAL = 0x82f63b78;

/** Eight tables of 256 numbers: table `n` moves a byte on by `n + 1` bytes. */
const tables = makeTables();

function advance(table: number, byte: number): number {
  return tables.getInt32((table << 10) | ((byte & 0xff) << 2), true);
}

function makeTables(): DataView {
  const made = new DataView(new ArrayBuffer(8 * 256 * 4));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    made.setInt32(byte << 2, crc, true);
  }
  for (let table = 1; table < 8; table++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = made.getInt32(((table - 1) << 10) | (byte << 2), true);
      made.setInt32(
        (table << 10) | (byte << 2),
        (before >>> 8) ^ made.getInt32((before & 0xff) << 2, true),
        true,
      );
    }
  }
  return made;
}
