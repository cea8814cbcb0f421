/** Where a ref of a package source stands. */
export interface FoundRevision {
  /** A git commit, or a hash of the content where there is no git. */
  readonly revision: string;
  /** The full name of the git ref that it was found under. */
  readonly gitRef: string | undefined;
}
