/** Why the start cannot go on, in one line for the person at the terminal. Everything else that is thrown is a bug. */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}
