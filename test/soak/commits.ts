// What every commit in Firestore wrote, as the stand-in's program notes it: the whole history of all documents.
import { existsSync, readFileSync } from 'node:fs';
import type { Version } from '#local/firestore/version.ts';
import { fromTimestamp } from '#local/firestore/clock.ts';
import type { Fields, Value } from '#local/firestore/wire.ts';

/** A document after a commit; without data it was deleted. Moments are milliseconds since the epoch, bytes base 64. */
export interface Written {
  readonly collection: string;
  readonly id: string;
  readonly data: Plain | undefined;
}

export type Plain = Readonly<Record<string, unknown>>;

export interface Commit {
  /** The server's time in milliseconds since the epoch. */
  readonly time: number;
  readonly writes: readonly Written[];
  /** The line in the file of commits. */
  readonly line: number;
}

/** The line of a commit: as JSON, with its end. */
export function commitLine(versions: readonly Version[], time: number): string {
  const writes = versions.map(({ name, fields }) => {
    const [collection = '', id = ''] = name.split('/').slice(-2);
    return { collection, id, data: fields && plainFields(fields) };
  });
  return `${JSON.stringify({ time: time / 1000, writes })}\n`;
}

/** All commits there were, in their order. A line that was cut off by the end of its program is the last of it. */
export function readCommits(file: string): Commit[] {
  if (!existsSync(file)) return [];
  const commits: Commit[] = [];
  for (const [index, text] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (text !== '') commits.push({ ...(JSON.parse(text) as Omit<Commit, 'line'>), line: index + 1 });
  }
  return commits;
}

function plainFields(fields: Fields): Plain {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plainValue(value)]));
}

function plainValue(value: Value): unknown {
  switch (value.valueType) {
    case 'nullValue':
      return null;
    case 'booleanValue':
      return value.booleanValue;
    case 'integerValue':
      return Number(value.integerValue);
    case 'doubleValue':
      return value.doubleValue;
    case 'timestampValue':
      return fromTimestamp(value.timestampValue) / 1000;
    case 'stringValue':
      return value.stringValue;
    case 'bytesValue':
      return Buffer.from(value.bytesValue).toString('base64');
    case 'referenceValue':
      return value.referenceValue;
    case 'geoPointValue':
      return value.geoPointValue;
    case 'arrayValue':
      return value.arrayValue.values.map(plainValue);
    case 'mapValue':
      return plainFields(value.mapValue.fields);
  }
}
