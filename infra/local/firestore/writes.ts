// One write of a commit: parsed at the edge, then applied to what the document is.
import { isDeepStrictEqual } from 'node:util';
import { fail, status } from '#local/grpc-server.ts';
import { fromTimestamp, toTimestamp, type Micros } from './clock.ts';
import { invalid, unsupported } from './errors.ts';
import { fieldAt, NAME_PATH, parseFieldPath, withField, type FieldPath } from './field-paths.ts';
import { checkDocumentSize, parseFields } from './fields.ts';
import { parseDatabaseName, parseDocumentNameIn, type DatabaseName, type DocumentName } from './names.ts';
import { isDocument, type Version } from './version.ts';
import { applyTransforms, parseTransforms, type Transform } from './transforms.ts';
import type * as wire from './wire.ts';

export type Precondition =
  | { readonly kind: 'none' }
  | { readonly kind: 'exists' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'updated at'; readonly time: Micros };

/** What becomes of the document, before the transforms. */
export type Operation =
  | { readonly kind: 'delete' }
  | { readonly kind: 'replace'; readonly fields: wire.Fields; readonly transforms: readonly Transform[] }
  | {
      readonly kind: 'merge';
      readonly fields: wire.Fields;
      readonly mask: readonly FieldPath[];
      readonly transforms: readonly Transform[];
    };

export interface Write {
  readonly name: DocumentName;
  readonly precondition: Precondition;
  readonly operation: Operation;
}

/** @throws INVALID_ARGUMENT, UNIMPLEMENTED */
export function parseWrites(request: {
  readonly database?: string;
  readonly writes: readonly wire.Write[];
}): readonly Write[] {
  const database = parseDatabaseName(request.database);
  return request.writes.map(write => parseWrite(database, write));
}

function parseWrite(database: DatabaseName, write: wire.Write): Write {
  const precondition = parsePrecondition(write.currentDocument);
  switch (write.operation) {
    case 'update': {
      const name = parseDocumentNameIn(database, write.update?.name);
      const fields = parseFields(write.update?.fields ?? {});
      const transforms = parseTransforms(write.updateTransforms);
      if (!write.updateMask)
        return { name, precondition, operation: { kind: 'replace', fields, transforms } };
      const mask = write.updateMask.fieldPaths.filter(path => path !== NAME_PATH).map(parseFieldPath);
      return { name, precondition, operation: { kind: 'merge', fields, mask, transforms } };
    }
    case 'delete': {
      const name = parseDocumentNameIn(database, write.delete);
      return { name, precondition, operation: { kind: 'delete' } };
    }
    case 'transform': {
      const name = parseDocumentNameIn(database, write.transform?.document);
      const transforms = parseTransforms(write.transform?.fieldTransforms ?? []);
      if (transforms.length === 0) invalid('A transform needs at least one field transform.');
      return { name, precondition, operation: { kind: 'merge', fields: {}, mask: [], transforms } };
    }
    case undefined:
      return invalid('empty write operation');
    default:
      return unsupported(`the write operation ${write.operation}`);
  }
}

export interface Outcome {
  /** The document after the write; the very same object when nothing has changed. */
  readonly version: Version | undefined;
  readonly result: wire.WriteResult;
}

/**
 * Applies a write to `current`, which may come from an earlier write of the same commit; `stored` is what was
 * there before the commit.
 *
 * @throws ALREADY_EXISTS, NOT_FOUND, FAILED_PRECONDITION, INVALID_ARGUMENT
 */
export function applyWrite(
  write: Write,
  current: Version | undefined,
  stored: Version | undefined,
  now: Micros,
): Outcome {
  const { name, precondition, operation } = write;
  const document = current && isDocument(current) ? current : undefined;
  checkPrecondition(precondition, name, document, stored);
  if (operation.kind === 'delete') {
    const version = document && { name, fields: undefined, createTime: 0, updateTime: now };
    return { version: version ?? current, result: {} };
  }
  const base = operation.kind === 'merge' ? merge(document?.fields ?? {}, operation) : operation.fields;
  const { fields, results } = applyTransforms(base, operation.transforms, now);
  checkDocumentSize(name, fields);
  // A write that changes nothing keeps the update time (google.firestore.v1.WriteResult).
  const version: Version =
    document && isDeepStrictEqual(document.fields, fields)
      ? document
      : { name, fields, createTime: document?.createTime ?? now, updateTime: now };
  return { version, result: { updateTime: toTimestamp(version.updateTime), transformResults: results } };
}

function parsePrecondition(precondition: wire.Precondition | undefined): Precondition {
  switch (precondition?.conditionType) {
    case 'exists':
      return { kind: precondition.exists === true ? 'exists' : 'missing' };
    case 'updateTime':
      return { kind: 'updated at', time: fromTimestamp(precondition.updateTime ?? {}) };
    case undefined:
      return { kind: 'none' };
  }
}

function checkPrecondition(
  precondition: Precondition,
  name: DocumentName,
  document: Version | undefined,
  stored: Version | undefined,
): void {
  if (precondition.kind === 'missing' && document) {
    fail(status.ALREADY_EXISTS, `Document already exists: ${name}`);
  }
  if (precondition.kind === 'exists' && !document) {
    fail(status.NOT_FOUND, `No document to update: ${name}`);
  }
  if (precondition.kind === 'updated at') {
    const version = stored && isDocument(stored) ? stored.updateTime : 0;
    if (version !== precondition.time) {
      fail(
        status.FAILED_PRECONDITION,
        `${name}: the stored version (${version}) does not match the required base version (${precondition.time})`,
      );
    }
  }
}

function merge(old: wire.Fields, update: { fields: wire.Fields; mask: readonly FieldPath[] }): wire.Fields {
  return update.mask.reduce((fields, path) => withField(fields, path, fieldAt(update.fields, path)), old);
}
