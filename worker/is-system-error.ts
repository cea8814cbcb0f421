/** Whether an error is one of the operating system, with its code (`ENOSPC`, `ENOENT`). */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
