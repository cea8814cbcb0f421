// A tar.gz whose bytes follow from its files alone, by the tar that layers are written in.
import { gzipSync } from 'node:zlib';
import { writeTar } from '#worker/pack/tar.ts';
import type { ArchivedFile } from './zip.ts';

/** The archive of `files`, in their order. Folders are made as they are needed. */
export function tarGz(files: readonly ArchivedFile[]): Buffer {
  const entries = files.map(({ path, content }) => ({
    kind: 'file' as const,
    name: Buffer.from(path),
    owner: { uid: 0, gid: 0 },
    mode: 0o644,
    size: content.length,
    content: () => [content],
  }));
  return gzipSync(Buffer.concat([...writeTar(entries)]), { level: 9 });
}
