/** Numbers as bytes none of which is above 127, so that each client sends them as they are: see `script/call.ts`. */

/** The number of a batch as the script has it: in the same order, but no byte of it is above 127. */
export function numberOf(seq: number): number {
  let number = 0;
  for (let rest = seq, place = 1; rest > 0; rest = Math.floor(rest / 128), place *= 256)
    number += (rest % 128) * place;
  return number;
}

let upper = { rest: -1, bytes: "" };

/** The same number as six bytes, the lowest first. All but the first seldom change. */
export function numbered(seq: number): string {
  const rest = Math.floor(seq / 128);
  if (rest !== upper.rest) upper = { rest, bytes: digitsOf(rest, 128, 5) };
  return String.fromCharCode(seq % 128) + upper.bytes;
}

/** Most requests want what others have wanted. */
const known = new Map<number, string>();
const MOST_KNOWN = 256;

/** Units as the script reads them packed: see `script/call.ts`. */
export function packed(units: number): string {
  let text = known.get(units);
  if (text === undefined) {
    text = digitsOf(units, 256, 7, (byte) => byte % 128) + digitsOf(units, 256, 7, (byte) => byte >> 7);
    if (known.size === MOST_KNOWN) known.clear();
    known.set(units, text);
  }
  return text;
}

function digitsOf(number: number, base: number, count: number, turn = (digit: number) => digit): string {
  let digits = "";
  let rest = number;
  for (let place = 0; place < count; place++) {
    digits += String.fromCharCode(turn(rest % base));
    rest = Math.floor(rest / base);
  }
  return digits;
}
