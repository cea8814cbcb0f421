// Errors as Google prints them: JSON for the JSON API, XML for the plain URLs of objects.

/** An error that the client sees, with its HTTP status. */
export class StorageError extends Error {
  readonly status: number;
  /** The word for programs: Google's `reason` in JSON, its `Code` in XML. */
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = 'StorageError';
    this.status = status;
    this.reason = reason;
  }
}

export const invalid = (message: string) => new StorageError(400, 'invalid', message);
export const noSuchBucket = () => new StorageError(404, 'notFound', 'The specified bucket does not exist.');
export const noSuchObject = (bucket: string, name: string) =>
  new StorageError(404, 'notFound', `No such object: ${bucket}/${name}`);
export const conflict = (message: string) => new StorageError(409, 'conflict', message);

/** A precondition that does not hold: 412, or 304 for a read that asks for something else than what is there. */
export const conditionNotMet = (status: 412 | 304 = 412) =>
  new StorageError(
    status,
    'conditionNotMet',
    'At least one of the pre-conditions you specified did not hold.',
  );

/** What Google does and this stand-in does not. Never answered with something that only looks right. */
export const notDone = (what: string) =>
  new StorageError(501, 'notImplemented', `The local Cloud Storage stand-in does not do this: ${what}.`);

/** The body of an error in the JSON API. */
export function errorAsJson({ status, reason, message }: StorageError): object {
  return { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } };
}

/** The body of an error of a plain URL. */
export function errorAsXml({ reason, message }: StorageError): string {
  const code = xmlCodes[reason] ?? reason;
  return `<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code><Message>${escape(message)}</Message></Error>`;
}

const xmlCodes: Readonly<Record<string, string>> = {
  invalid: 'InvalidArgument',
  notFound: 'NoSuchKey',
  conditionNotMet: 'PreconditionFailed',
  requestedRangeNotSatisfiable: 'InvalidRange',
  notImplemented: 'NotImplemented',
  backendError: 'InternalError',
};

function escape(text: string): string {
  return text.replace(/[<>&]/g, character => `&#${character.charCodeAt(0)};`);
}
