// Where two JSON documents differ, in lines for people.

/** A line for each place: `config.Cmd: served ["/bin/x"], rebuilt nothing`. */
export function differencesOf(served: unknown, rebuilt: unknown, place: string): string[] {
  if (JSON.stringify(served) === JSON.stringify(rebuilt)) return [];
  if (isObject(served) && isObject(rebuilt)) {
    const keys = [...new Set([...Object.keys(served), ...Object.keys(rebuilt)])];
    const inside = keys.flatMap(key => differencesOf(served[key], rebuilt[key], `${place}.${key}`));
    return inside.length > 0 ? inside : [`${place}: the same in another order`];
  }
  if (Array.isArray(served) && Array.isArray(rebuilt) && served.length === rebuilt.length) {
    return served.flatMap((one, index) => differencesOf(one, rebuilt[index], `${place}[${index}]`));
  }
  return [`${place}: served ${shown(served)}, rebuilt ${shown(rebuilt)}`];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const LENGTH_SHOWN = 200;

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const json = JSON.stringify(value);
  return json.length <= LENGTH_SHOWN ? json : `${json.slice(0, LENGTH_SHOWN)}…`;
}
