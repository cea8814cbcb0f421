// What strangers wrote (a builder's log, a package's own message), as a terminal may be given it.
import { stripVTControlCharacters } from 'node:util';

/** In Unicode the second half of them too: there is a terminal that takes U+009B for ESC and "[". */
const CONTROLS = /(?![\t\n])\p{Cc}/gu;

/**
 * The text without sequences that move, colour or command a terminal, and without control characters but tabs and line feeds: of
 * what looks like no sequence, and becomes one when others are taken out of it, the ESC is not left. A carriage return, which
 * would have a line write over itself, begins a new one.
 */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\r\n?/g, '\n').replaceAll(CONTROLS, '');
}
