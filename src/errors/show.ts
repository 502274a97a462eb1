/** Values and keys as the messages of errors show them. */

// To write a bigint out takes time that grows with the square of its length.
const LONGEST_BIGINT = /* @__PURE__ */ (() => 10n ** 100n)();

/** The text by which an error message shows a value. It converts no object, whose own conversions might throw. */
export function show(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "bigint") {
    return value < LONGEST_BIGINT && value > -LONGEST_BIGINT ? `${value}n` : "a long bigint";
  }
  if (typeof value === "object" && value !== null) return isArray(value) ? "an array" : "an object";
  if (typeof value === "function") return "a function";
  return String(value);
}

/** `Array.isArray` throws for a proxy that was revoked. */
function isArray(value: object): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

// A message is for people: it names this many keys, and this much of a text.
const MOST_KEYS = 8;
const LONGEST_TEXT = 100;

/** Keys as an error message lists them: the first few, and how many more there are. */
export function listKeys(keys: readonly string[]): string {
  return listOf(keys, quote);
}

/** Amounts as an error message lists them. */
export function listAmounts(amounts: Readonly<Record<string, number>>): string {
  return listOf(Object.entries(amounts), ([key, amount]) => `${amount} of ${quote(key)}`);
}

function listOf<T>(items: readonly T[], toText: (item: T) => string): string {
  const named = items.slice(0, MOST_KEYS).map(toText).join(", ");
  return items.length > MOST_KEYS ? `${named} and ${items.length - MOST_KEYS} more` : named;
}

/** A text in quotation marks, cut where it is long. */
export function quote(text: string): string {
  return text.length > LONGEST_TEXT
    ? `${JSON.stringify(text.slice(0, LONGEST_TEXT))}... (${text.length} characters)`
    : JSON.stringify(text);
}
