// What Nix says on stderr, for people and for decisions. Its words differ between versions; these forms hold from 2.8
// (message first, then positions) to 2.34 (trace first, message last and indented).
import { stripVTControlCharacters } from 'node:util';

/** The error's message without trace, positions and hints: what follows the last "error:". */
export function errorMessage(stderr: string): string {
  const text = stripVTControlCharacters(stderr);
  const last = text.split(/^\s*error: /m).at(-1) ?? text;
  const message = last.split(/\n\s*(?:at \S.*:\d+:\d+:|\(use '--show-trace'|For full logs, run)/)[0] ?? last;
  return message
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .join('\n');
}

const TRANSIENT =
  /No space left on device|Disk quota exceeded|Cannot allocate memory|out of memory|Resource temporarily unavailable|Too many open files|unable to (?:download|start any build|fork)|Could(?:n't| not) resolve host|Temporary failure in name resolution|Connection (?:refused|reset|timed out)|Network is unreachable|Operation timed out|database is (?:busy|locked)|cannot connect to (?:daemon|socket)|interrupted by the user|failed due to signal (?:9|15)\b/i;

/** Whether the text tells of something that another try may get past: network, disk, memory, a kill. */
export function tellsOfTransient(text: string): boolean {
  return TRANSIENT.test(text);
}

const OUT_OF_MEMORY =
  /Cannot allocate memory|out of memory|memory exhausted|std::bad_alloc|\bMemoryError\b|memory allocation of \d+ bytes failed/i;

/** Whether the text tells of a process that wanted more memory than it may have. One that the kernel killed says nothing. */
export function tellsOfMemory(text: string): boolean {
  return OUT_OF_MEMORY.test(text);
}
