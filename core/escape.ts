// How characters are written that the registry's grammars have no room for: `__` and two hexadecimal digits.
//
// A component of a name is lower-case letters and digits with single separators between them, a tag has no "/". So the
// attribute `gtk+3` is written `gtk__2b3`, and the branch `feature/x` is the tag `feature__2fx`.

/** Printable ASCII, in hexadecimal. */
const CODE = '2[1-9a-f]|[3-6][0-9a-f]|7[0-9a-e]';

const ESCAPE = new RegExp(`__(${CODE})`, 'g');

/** A name has to begin with a letter or a digit: one that begins with an escape is written with a 0 before it. */
const LEADING = new RegExp(`^0(?=__(?:${CODE}))`);

/** The attribute that a component of an image's name stands for. What is no escape stands for itself. */
export function unescape(component: string): string {
  return decode(component.replace(LEADING, ''));
}

/** The text that a tag stands for. A tag may begin with an escape, so nothing is written before one. */
export function unescapeTag(tag: string): string {
  return decode(tag);
}

/**
 * How a ref is written in a tag, so that it means this one and no other: the inverse of {@link unescapeTag}. What is no
 * printable ASCII stays as it is: no tag has room for it.
 */
export function escapeTag(ref: string): string {
  // Of underscores that follow each other all but the last: with what comes then they could be an escape.
  return ref.replaceAll(/_(?=_)|[^A-Za-z0-9._-]|^[.-]/g, character =>
    /[!-~]/.test(character) ? encode(character) : character,
  );
}

/**
 * How an attribute is written as a component of an image's name, so that it means this one and no other: the inverse of
 * {@link unescape}. Undefined for one that holds more than printable ASCII, or nothing.
 */
export function escape(attribute: string): string | undefined {
  if (!/^[!-~]+$/.test(attribute)) return undefined;
  const characters = attribute.split('');
  const written = characters.map((character, at) => {
    if (/[a-z0-9]/.test(character)) return character;
    // The grammar's separators stand for themselves between two letters or digits.
    const isSeparator = character === '_' || character === '-';
    const around = [characters[at - 1] ?? '', characters[at + 1] ?? ''];
    return isSeparator && around.every(one => /[a-z0-9]/.test(one)) ? character : encode(character);
  });
  // A 0 before an escape would be taken for the one that is only there to begin with.
  if (written[0] === '0' && (written[1] ?? '').startsWith('__')) written[0] = encode('0');
  const whole = written.join('');
  return whole.startsWith('__') ? `0${whole}` : whole;
}

function decode(text: string): string {
  return text.replaceAll(ESCAPE, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

function encode(character: string): string {
  return `__${character.charCodeAt(0).toString(16)}`;
}
