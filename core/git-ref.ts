// Refs of a git repository.

/** The ref that stands for a repository's HEAD. */
export const HEAD_REF = 'latest';

/** In the place of a ref, all branches and tags of a repository: git could have none of this name. */
export const EVERY_REF = '*';

/** Of git-check-ref-format(1) what printable ASCII can break, and the "-" that would make an option of it. */
const FORBIDDEN = /[~^:?*[\\]|\.\.|@\{|\/\/|(?:^|\/)\.|\.lock(?:\/|$)|^[-/]|[/.]$|^@$/;

/** Whether git could have a branch, a tag or a commit of this name; those beyond printable ASCII are left out. */
export function isGitRef(text: string): boolean {
  return text.length <= 255 && /^[!-~]+$/.test(text) && !FORBIDDEN.test(text);
}
