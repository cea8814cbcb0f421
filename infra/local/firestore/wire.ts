/**
 * The messages of google.firestore.v1 as proto-loader hands them over with {@link WIRE_OPTIONS}: 64-bit integers
 * and enums are strings, lists and maps are always there, scalars at their default are absent, and the name of
 * each oneof holds the name of the member that is set.
 */
import type { Options } from '@grpc/proto-loader';

export const WIRE_OPTIONS: Options = {
  longs: String,
  enums: String,
  defaults: false,
  oneofs: true,
  arrays: true,
  objects: true,
};

export interface Timestamp {
  readonly seconds?: string | number;
  readonly nanos?: number;
}

export type Fields = Readonly<Record<string, Value>>;

/** Members of the oneof that are not here belong to pipelines; `fields.ts` refuses them. */
export type Value =
  | { readonly valueType: 'nullValue'; readonly nullValue: 'NULL_VALUE' }
  | { readonly valueType: 'booleanValue'; readonly booleanValue: boolean }
  | { readonly valueType: 'integerValue'; readonly integerValue: string }
  | { readonly valueType: 'doubleValue'; readonly doubleValue: number }
  | { readonly valueType: 'timestampValue'; readonly timestampValue: Timestamp }
  | { readonly valueType: 'stringValue'; readonly stringValue: string }
  | { readonly valueType: 'bytesValue'; readonly bytesValue: Uint8Array }
  | { readonly valueType: 'referenceValue'; readonly referenceValue: string }
  | { readonly valueType: 'geoPointValue'; readonly geoPointValue: GeoPoint }
  | { readonly valueType: 'arrayValue'; readonly arrayValue: ArrayValue }
  | { readonly valueType: 'mapValue'; readonly mapValue: { readonly fields: Fields } };

export interface GeoPoint {
  readonly latitude?: number;
  readonly longitude?: number;
}

export interface ArrayValue {
  readonly values: readonly Value[];
}

export interface Document {
  readonly name?: string;
  readonly fields: Fields;
  readonly createTime?: Timestamp;
  readonly updateTime?: Timestamp;
}

export interface DocumentMask {
  readonly fieldPaths: readonly string[];
}

export interface Precondition {
  readonly conditionType?: 'exists' | 'updateTime';
  readonly exists?: boolean;
  readonly updateTime?: Timestamp;
}

export interface FieldTransform {
  readonly fieldPath?: string;
  readonly transformType?: string;
  readonly setToServerValue?: string;
  readonly increment?: Value;
  readonly maximum?: Value;
  readonly minimum?: Value;
  readonly appendMissingElements?: ArrayValue;
  readonly removeAllFromArray?: ArrayValue;
}

export interface Write {
  readonly operation?: string;
  readonly update?: Document;
  readonly delete?: string;
  readonly transform?: { readonly document?: string; readonly fieldTransforms: readonly FieldTransform[] };
  readonly updateMask?: DocumentMask;
  readonly updateTransforms: readonly FieldTransform[];
  readonly currentDocument?: Precondition;
}

export interface WriteResult {
  readonly updateTime?: Timestamp;
  readonly transformResults?: readonly Value[];
}

export interface TransactionOptions {
  readonly mode?: 'readOnly' | 'readWrite';
  readonly readOnly?: { readonly readTime?: Timestamp };
}

/** How a request that reads says at which point in time, or for which transaction. */
export interface ConsistencySelector {
  readonly transaction?: Uint8Array;
  readonly newTransaction?: TransactionOptions;
  readonly readTime?: Timestamp;
}

export interface FieldReference {
  readonly fieldPath?: string;
}

export interface Filter {
  readonly compositeFilter?: { readonly op?: string; readonly filters: readonly Filter[] };
  readonly fieldFilter?: { readonly field?: FieldReference; readonly op?: string; readonly value?: Value };
  readonly unaryFilter?: { readonly field?: FieldReference; readonly op?: string };
}

export interface Cursor {
  readonly values: readonly Value[];
  readonly before?: boolean;
}

export interface Order {
  readonly field?: FieldReference;
  readonly direction?: string;
}

export interface StructuredQuery {
  readonly select?: { readonly fields: readonly FieldReference[] };
  readonly from: readonly { readonly collectionId?: string; readonly allDescendants?: boolean }[];
  readonly where?: Filter;
  readonly orderBy: readonly Order[];
  readonly startAt?: Cursor;
  readonly endAt?: Cursor;
  readonly offset?: number;
  readonly limit?: { readonly value?: number };
  readonly findNearest?: object;
}

export interface Aggregation {
  readonly alias?: string;
  readonly operator?: string;
  readonly count?: { readonly upTo?: { readonly value?: string } };
}

export interface BatchGetDocumentsRequest extends ConsistencySelector {
  readonly database?: string;
  readonly documents: readonly string[];
  readonly mask?: DocumentMask;
}

export interface RunQueryRequest extends ConsistencySelector {
  readonly parent?: string;
  readonly structuredQuery?: StructuredQuery;
  readonly explainOptions?: object;
}

export interface RunAggregationQueryRequest extends ConsistencySelector {
  readonly parent?: string;
  readonly structuredAggregationQuery?: {
    readonly structuredQuery?: StructuredQuery;
    readonly aggregations: readonly Aggregation[];
  };
  readonly explainOptions?: object;
}

export interface BeginTransactionRequest {
  readonly options?: TransactionOptions;
}

export interface RollbackRequest {
  readonly transaction?: Uint8Array;
}

export interface CommitRequest {
  readonly database?: string;
  readonly writes: readonly Write[];
  readonly transaction?: Uint8Array;
}

export interface BatchWriteRequest {
  readonly database?: string;
  readonly writes: readonly Write[];
}

export interface ListDocumentsRequest extends ConsistencySelector {
  readonly parent?: string;
  readonly collectionId?: string;
  readonly pageSize?: number;
  readonly pageToken?: string;
  readonly orderBy?: string;
  readonly mask?: DocumentMask;
  readonly showMissing?: boolean;
}

export interface ListCollectionIdsRequest extends ConsistencySelector {
  readonly parent?: string;
  readonly pageSize?: number;
  readonly pageToken?: string;
}

export interface ListenTarget {
  readonly targetId?: number;
  readonly query?: { readonly parent?: string; readonly structuredQuery?: StructuredQuery };
  readonly documents?: { readonly documents: readonly string[] };
  readonly resumeToken?: Uint8Array;
  readonly readTime?: Timestamp;
  readonly once?: boolean;
}

export interface ListenRequest {
  readonly targetChange?: 'addTarget' | 'removeTarget';
  readonly addTarget?: ListenTarget;
  readonly removeTarget?: number;
}
