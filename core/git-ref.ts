// Refs of a git repository.

/** The ref that stands for a repository's HEAD. */
export const HEAD_REF = 'latest';

/** What no ref may hold or be like (git-check-ref-format(1)). */
const FORBIDDEN = /[^!-~]|[~^:?*[\\]|\.\.|@\{|\/\/|(?:^|\/)\.|\.(?:lock)?(?:\/|$)|^[-/]|\/$|^@$/;

/** Whether git could have a branch, a tag or a commit of this name. */
export function isGitRef(text: string): boolean {
  return text !== '' && text.length <= 255 && !FORBIDDEN.test(text);
}
