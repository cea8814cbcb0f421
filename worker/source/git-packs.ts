// Whether packs were cut off, as by a loss of power. Git itself does not look: of a partial clone it then asks the server for
// each object that is missing, for the sake of which it looks for others, until its stack is full.
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes of a SHA-1. */
const CHECKSUM = 20;

/** Whether each pack of `folder` ends as its index says (gitformat-pack(5)): with the checksum of all that is before. */
export async function packsAreWhole(folder: string): Promise<boolean> {
  const packs = (await readdir(folder))
    .filter(name => name.endsWith('.pack'))
    .map(name => join(folder, name));
  for (const pack of packs) {
    const index = pack.replace(/\.pack$/, '.idx');
    const [end, said] = await Promise.all([tail(pack, CHECKSUM), tail(index, 2 * CHECKSUM)]);
    if (end === undefined || said?.subarray(0, CHECKSUM).equals(end) !== true) return false;
  }
  return true;
}

/** The last bytes of a file; undefined where there are not so many. */
async function tail(path: string, length: number): Promise<Buffer | undefined> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(length),
      0,
      length,
      Math.max(0, size - length),
    );
    return bytesRead === length ? buffer : undefined;
  } finally {
    await file.close();
  }
}
