import type { Micros } from './clock.ts';
import type { DocumentName } from './names.ts';
import type { Fields } from './wire.ts';

/** What a document was from one commit to the next. */
export interface Version {
  readonly name: DocumentName;
  /** Absent: the document was deleted. */
  readonly fields: Fields | undefined;
  readonly createTime: Micros;
  readonly updateTime: Micros;
}

export interface StoredDocument extends Version {
  readonly fields: Fields;
}

export function isDocument(version: Version): version is StoredDocument {
  return version.fields !== undefined;
}
