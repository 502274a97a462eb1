/** Lists of items with parameters, as structured fields write them (RFC 9651). */

export interface Item {
  readonly value: string;
  readonly parameters: Readonly<Record<string, string | number | boolean | undefined>>;
}

const TEXT = `"((?:[^"\\\\]|\\\\["\\\\])*)"`;
const TOKEN = "[A-Za-z*][\\w!#$%&'*+.^`|~:/-]*";
const ITEM = new RegExp(`[ \\t]*(?:${TEXT}|(${TOKEN}))`, "y");
const PARAMETER = new RegExp(
  `[ \\t]*;[ \\t]*([a-z*][a-z0-9_.*-]*)(?:=(?:${TEXT}|(-?\\d{1,15}(?:\\.\\d{1,3})?)|(:[A-Za-z0-9+/=]*:|\\?[01]|${TOKEN})))?`,
  "y",
);
const NEXT = /[ \t]*(?:,|$)/y;

/** The items of a list; none if any of it is malformed, as the standard wants it. */
export function itemsOf(text: string | null): readonly Item[] {
  const items: Item[] = [];
  let at = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text!);
    if (found) at = pattern.lastIndex;
    return found;
  };
  while (text && at < text.length) {
    const item = take(ITEM);
    if (!item) return [];
    const parameters: Record<string, string | number | boolean> = Object.create(null);
    for (let found = take(PARAMETER); found; found = take(PARAMETER)) {
      const [, name = "", words, number, other] = found;
      parameters[name] = number === undefined ? (words ?? other ?? true) : Number(number);
    }
    items.push({ value: item[1] ?? item[2]!, parameters });
    if (!take(NEXT)) return [];
  }
  return items;
}

/** Writes a string, in quotes. Structured strings are of ASCII: other characters are written as in addresses, by `%`. */
export function quoted(text: string): string {
  // Half a surrogate pair is no character.
  const ascii = text.replace(/[\ud800-\udfff]/gu, "\ufffd").replace(/[^\x20-\x7e]+/g, encodeURIComponent);
  return `"${ascii.replace(/["\\]/g, "\\$&")}"`;
}
