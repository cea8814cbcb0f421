// Resumable uploads: bytes in as many requests as it takes, over connections that break and processes that die
// (https://cloud.google.com/storage/docs/resumable-uploads).
import { randomUUID } from 'node:crypto';
import { parseUploadMetadata } from './attributes.ts';
import { parseGoogHash } from './checksums.ts';
import { type ContentRange, parseContentRange } from './content-range.ts';
import type { ObjectRecord, UploadRecord } from './database.ts';
import { invalid, StorageError } from './errors.ts';
import { type Exchange, readJson, type Reply } from './exchange.ts';
import type { Spool } from './spool.ts';
import type { Store } from './store.ts';
import { newObject } from './upload.ts';

/** The state of an upload between its requests that need not outlive the process. */
interface Active {
  /** Absent until its bytes are needed; after a restart they are read again then. */
  spool?: Promise<Spool>;
  /** The request that is being received, and how to end it. */
  receiving?: { readonly done: Promise<unknown>; readonly cut: () => void };
}

/** The resumable uploads of a store: what was begun is in its database, so that it can be gone on with after a restart. */
export class ResumableUploads {
  readonly #store: Store;
  readonly #active = new Map<string, Active>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Begins an upload; the answer's Location is where its bytes go. */
  async begin(bucket: string, exchange: Exchange): Promise<Reply> {
    const { name, attributes, declared } = parseUploadMetadata(await readJson(exchange.body));
    const contentType = attributes.contentType ?? exchange.headers['x-upload-content-type'];
    const typed =
      contentType === undefined ? attributes : { ...attributes, contentType: String(contentType) };
    const target = newObject(bucket, name, typed, declared, exchange);
    this.#store.checkWritable(target);
    const id = randomUUID();
    const file = this.#store.newFile();
    const spool = await this.#store.createSpool(file);
    this.#store.database.putUpload({ ...target, id, file, created: this.#store.timestamp() });
    this.#active.set(id, { spool: Promise.resolve(spool) });
    const query = new URLSearchParams({ uploadType: 'resumable', name: target.name, upload_id: id });
    const location = `${exchange.origin}/upload/storage/v1/b/${bucket}/o?${query.toString()}`;
    return { status: 200, headers: { location, 'x-guploader-uploadid': id, 'content-length': 0 } };
  }

  /**
   * Takes bytes of an upload, or says how many there are. The object once it is complete, else the answer 308. Bytes
   * that were received before are skipped when they come again.
   */
  async continue(id: string, exchange: Exchange): Promise<ObjectRecord | Reply> {
    const range = parseContentRange(exchange.headers['content-range']);
    const upload = this.#upload(id);
    if (upload.finished !== undefined) return upload.finished;
    const onlyAsks = range.start === undefined && range.total === undefined;
    if (onlyAsks) return incomplete((await this.#spool(upload)).size);
    return this.#alone(id, exchange.cut, () => this.#receive(id, range, exchange));
  }

  /** Forgets an upload and its bytes. */
  async cancel(id: string): Promise<Reply> {
    this.#upload(id);
    await this.#alone(id, doNothing, () => {
      const upload = this.#upload(id);
      if (upload.finished === undefined) this.#drop(upload);
      return Promise.resolve();
    });
    return { status: 499, headers: { 'content-length': 0 } };
  }

  async #receive(id: string, range: ContentRange, exchange: Exchange): Promise<ObjectRecord | Reply> {
    const upload = this.#upload(id);
    if (upload.finished !== undefined) return upload.finished;
    const spool = await this.#spool(upload);
    if (range.start !== undefined) {
      // Bytes are missing in between: the answer tells the client from where.
      if (range.start > spool.size) return incomplete(spool.size);
      await spool.append(newBytes(exchange.body, spool.size - range.start, range.length));
    }
    const total = range.total === 'end of body' ? spool.size : range.total;
    if (total !== undefined && spool.size > total) {
      throw invalid(`The object was to have ${total} bytes, ${spool.size} have come.`);
    }
    return spool.size === total ? this.#finish(upload, spool, exchange) : incomplete(spool.size);
  }

  /**
   * Runs `work` while no other request of the upload is received. One that still is gets cut: a client sends another
   * when it has given up on the connection of the first.
   */
  async #alone<T>(id: string, cut: () => void, work: () => Promise<T>): Promise<T> {
    const state = this.#state(id);
    while (state.receiving !== undefined) {
      state.receiving.cut();
      await state.receiving.done;
    }
    const run = work();
    const done = run.then(doNothing, doNothing).then(() => delete state.receiving);
    state.receiving = { cut, done };
    return run;
  }

  #finish(upload: UploadRecord, spool: Spool, exchange: Exchange): ObjectRecord {
    const declared = { ...upload.declared, ...parseGoogHash(exchange.headers['x-goog-hash']) };
    try {
      const object = this.#store.commit({ ...upload, declared }, upload.file, spool, finished =>
        // Kept, so that a client that did not hear the answer gets it when it asks again.
        this.#store.database.putUpload({ ...upload, finished }),
      );
      this.#active.delete(upload.id);
      return object;
    } catch (error) {
      if (error instanceof StorageError) this.#drop(upload);
      throw error;
    }
  }

  #drop(upload: UploadRecord): void {
    this.#store.database.deleteUpload(upload.id);
    this.#store.deleteFile(upload.file);
    this.#active.delete(upload.id);
  }

  #upload(id: string): UploadRecord {
    const upload = this.#store.database.upload(id);
    if (upload === undefined) throw new StorageError(404, 'notFound', `No such upload session: ${id}`);
    return upload;
  }

  #spool(upload: UploadRecord): Promise<Spool> {
    const state = this.#state(upload.id);
    state.spool ??= this.#store.reopenSpool(upload.file).catch((error: unknown) => {
      delete state.spool;
      throw error;
    });
    return state.spool;
  }

  #state(id: string): Active {
    const present = this.#active.get(id) ?? {};
    this.#active.set(id, present);
    return present;
  }
}

/** 308 and the range that is there: Google's "Resume Incomplete". */
function incomplete(size: number): Reply {
  const range = size > 0 && { range: `bytes=0-${size - 1}` };
  return { status: 308, headers: { ...range, 'content-length': 0 } };
}

/** The bytes of a body after the first `known`. Throws where the body has not the announced length. */
async function* newBytes(
  body: AsyncIterable<Buffer>,
  known: number,
  announced: number | undefined,
): AsyncGenerator<Buffer, void, void> {
  let received = 0;
  const refuse = () => invalid(`The body has not the ${announced} bytes that Content-Range announced.`);
  for await (const chunk of body) {
    const skip = Math.min(Math.max(known - received, 0), chunk.length);
    received += chunk.length;
    if (announced !== undefined && received > announced) throw refuse();
    if (skip < chunk.length) yield chunk.subarray(skip);
  }
  if (announced !== undefined && received < announced) throw refuse();
}

function doNothing(): void {
  // Waits for the end of something whatever it is.
}
