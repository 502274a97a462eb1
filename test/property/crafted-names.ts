/** Names that all have one hash, of kinds without a key. */

type Combine = (state: number, unit: number) => number;

const JAVA: Combine = (state, unit) => (Math.imul(state, 31) + unit) | 0;
const DJB2: Combine = (state, unit) => (Math.imul(state, 33) + unit) | 0;
const FNV_1A: Combine = (state, unit) => Math.imul(state ^ unit, 0x01000193);

/** How each kind begins, and goes on with each unit of a name. */
export const UNKEYED: Readonly<Record<string, readonly [begin: number, combine: Combine]>> = {
  "Java's String.hashCode": [0, JAVA],
  "djb2, by Bernstein": [5381, DJB2],
  "FNV-1a of 32 bits": [0x811c9dc5, FNV_1A],
};

export function unkeyedHash(kind: string, name: string): number {
  const [begin, combine] = UNKEYED[kind]!;
  return hashFrom(begin, combine, name);
}

/** `2 ** bits` names with one hash. From each state two parts of a name lead to the same next one: so either will do (Joux, CRYPTO 2004). */
export function craftedNames(kind: string, bits: number): string[] {
  const [begin, combine] = UNKEYED[kind]!;
  let state = begin;
  let names = [""];
  for (let bit = 0; bit < bits; bit++) {
    const [one, other] = collisionAt(state, combine);
    names = names.flatMap((name) => [name + one, name + other]);
    state = hashFrom(state, combine, one);
  }
  return names;
}

function collisionAt(state: number, combine: Combine): readonly [string, string] {
  const met = new Map<number, string>();
  for (let random = 1; ; ) {
    // Marsaglia's xorshift.
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    const part = (random >>> 0).toString(36);
    const next = hashFrom(state, combine, part);
    const other = met.get(next);
    if (other !== undefined) return [other, part];
    met.set(next, part);
  }
}

function hashFrom(state: number, combine: Combine, name: string): number {
  let hash = state;
  for (let i = 0; i < name.length; i++) hash = combine(hash, name.charCodeAt(i));
  return hash;
}
