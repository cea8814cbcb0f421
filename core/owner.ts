// Whom the files of an image belong to.

/** A user and a group by number: an image may know neither by a name. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}
