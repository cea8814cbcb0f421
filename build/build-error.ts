/** What keeps a build from its end and is told in one sentence. */
export class BuildError extends Error {}
