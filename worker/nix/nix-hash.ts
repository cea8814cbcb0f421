// Hashes as Nix writes them.

/** Nix's base 32: the digits and letters without e, o, u and t. */
const ALPHABET = '0123456789abcdfghijklmnpqrsvwxyz';

/** `sha256:<base 32>`, as `nix-store -q --hash` says it, in the form of Subresource Integrity, as flakes have it. */
export function toIntegrity(hash: string): string {
  const digits = /^sha256:(?<digits>[0-9a-df-np-sv-z]{52})$/.exec(hash)?.groups?.['digits'];
  if (digits === undefined) throw new Error(`${hash} is not a SHA-256 in Nix's base 32`);
  return `sha256-${decodeBase32(digits).toString('base64')}`;
}

/** The digits are written from the last to the first, each for five bits (Nix, src/libutil/hash.cc). */
function decodeBase32(digits: string): Buffer {
  const bytes = Buffer.alloc(Math.floor((digits.length * 5) / 8));
  for (let at = 0; at < digits.length; at++) {
    const value = ALPHABET.indexOf(digits.charAt(digits.length - 1 - at)) << ((at * 5) % 8);
    const index = Math.floor((at * 5) / 8);
    bytes[index] = (bytes[index] ?? 0) | (value & 0xff);
    if (index + 1 < bytes.length) bytes[index + 1] = (bytes[index + 1] ?? 0) | (value >> 8);
  }
  return bytes;
}
