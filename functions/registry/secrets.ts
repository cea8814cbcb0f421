// Secrets that all instances of the registry share.

const SECRET_LENGTH = 32;

/** Parses one secret or, while one is being replaced, several, separated by white space. Throws an Error that does not repeat them. */
export function parseSecrets(text: string): [string, ...string[]] {
  const [first, ...others] = text.split(/\s+/).filter(secret => secret !== '');
  if (first === undefined || [first, ...others].some(secret => secret.length < SECRET_LENGTH)) {
    throw new Error(`must have ${SECRET_LENGTH} characters or more, as \`openssl rand -hex 32\` prints them`);
  }
  return [first, ...others];
}
