// The compressors that a deployment chooses from.
import type { Compression } from '#core/image-settings.ts';
import type { Compressor } from './compressor.ts';
import { GZIP } from './gzip.ts';
import { ZSTD } from './zstd.ts';

export const COMPRESSORS: Readonly<Record<Compression, Compressor>> = { gzip: GZIP, zstd: ZSTD };
