/** Limits as the script knows them: one line each, sorted by key, so that their order in a program makes no difference. */
import { type Definition, KINDS } from "../core/kinds.ts";
import { definitionOf, missingUnits, unitOf } from "../limits/definition.ts";
import { type Era, firstEra } from "../limits/era.ts";
import { type Limit, tierOf } from "../limits/limits.ts";
import { plainOf } from "../limits/metrics.ts";
import { requestsOf } from "../limits/named-requests.ts";
import { SLOT, type Slots } from "./slots.ts";

// As in assembly/numbers.ts.
const MOST_FULL = 1n << 61n;
const MOST_DEBT = 1n << 62n;
const MOST_TIME = 1n << 52n;
const MOST_WHOLE = BigInt(Number.MAX_SAFE_INTEGER);

/** Stands before the definitions. A process of an earlier version reads it as a limit, and tells its user of the mismatch. */
const HEAD = `5 1 0 0 0 0 0 0 1 v4 0 0 ["a limit of a later version of limitset","resource",1,`;

/** The definitions of a set in one era. The script numbers limits in its own order, from 1. */
export class Definitions {
  /** A line that names the era, and all definitions, one a line. */
  readonly text: string;
  /** What names the definitions on the server: the field of their bulk. */
  readonly name: string;
  /** The era as JSON. */
  readonly json: string;
  /** For each limit of the set, its index in the script. */
  readonly indexes: readonly number[];
  /** For each limit of the set, its definition in units. */
  readonly shapes: readonly Definition[];
  /** Whether limits have partitions. */
  readonly hasPartitions: boolean;
  /** Whether all debts of the bulk are narrow, as `script/bulk.ts` means it. */
  readonly isNarrow: boolean;
  /** Whether a limit begins with less than all. */
  readonly beginsBelow: boolean;
  /** For each index in the script, the limit of the set. */
  readonly #limits: readonly number[];
  /** For each limit of the set, its place in the bulk if the front half of the script takes from it; else -1. */
  readonly #places: readonly number[];

  constructor(limits: readonly Limit[], era: Facts = firstEra(limits, requestsOf(limits))) {
    const sorted = limits.map((_, i) => i).sort((a, b) => (limits[a]!.key < limits[b]!.key ? -1 : 1));
    const indexes = limits.map(() => 0);
    sorted.forEach((limit, i) => {
      indexes[limit] = i + 1;
    });
    const inOrder = <T>(list: readonly T[]) => sorted.map((limit) => list[limit]!);
    const { number, version, tenures } = era;
    const facts = {
      version,
      limits: plainOf(inOrder(limits)),
      tenures: inOrder(tenures),
      // What a process of a spread set has to know, to do the same to another part.
      ...(era.slots !== undefined && { slots: era.slots, inherit: era.inherit }),
    };
    this.json = JSON.stringify({ number, ...facts });
    const lines = inOrder(limits).map(lineOf);
    this.name = `n${digestOf(JSON.stringify(facts))}`;
    this.text = [`${HEAD}"${version} ${this.name}"]`, ...lines].join("\n");
    this.indexes = indexes;
    this.shapes = limits.map(definitionOf);
    this.hasPartitions = limits.some(({ per }) => per !== undefined);
    this.beginsBelow = limits.some((limit) => missingUnits(limit) > 0);
    this.#limits = sorted;
    const isDebt = (limit: number) =>
      limits[limit]!.per === undefined && KINDS[this.shapes[limit]!.kind] <= KINDS["leaky-bucket"];
    const debts = sorted.filter(isDebt);
    debts.length = Math.min(debts.length, MOST_PACKED);
    this.isNarrow = debts.every((limit) => {
      const { ceiling, capacity, windowMicros } = this.shapes[limit]!;
      const [weight] = rateOf(capacity, windowMicros);
      return BigInt(ceiling) * weight <= MOST_WHOLE;
    });
    this.#places = limits.map((_, limit) => {
      const { kind, flags } = this.shapes[limit]!;
      return kind === "leaky-bucket" || flags !== 0 ? -1 : debts.indexOf(limit);
    });
  }

  /** Whether the front half of the script takes from all limits that a request wants. */
  isPlain(units: readonly number[]): boolean {
    for (let i = 0; i < units.length; i++) if (units[i] !== 0 && this.#places[i]! < 0) return false;
    return true;
  }

  /**
   * What requests want together of the limits that the front half of the script takes from, up to the last one wanted. Undefined if they
   * want of others, or more than doubles can hold.
   */
  sumsOf(requests: readonly (readonly number[])[]): readonly number[] | undefined {
    const sums: number[] = [];
    for (const units of requests) {
      for (let i = 0; i < units.length; i++) {
        const count = units[i]!;
        if (count === 0) continue;
        const place = this.#places[i]!;
        if (place < 0) return undefined;
        while (sums.length <= place) sums.push(0);
        sums[place]! += count;
      }
    }
    return sums.length > 0 && sums.every(Number.isSafeInteger) ? sums : undefined;
  }

  /** Units as the script reads them, `index:units` for each limit, joined by commas; empty if there are none. */
  encode(units: readonly number[], slots?: Slots): string {
    let list = "";
    for (let i = 0; i < units.length; i++) {
      const count = units[i]!;
      if (count !== 0) list += `${list === "" ? "" : ","}${this.indexes[i]! + (slots?.[i] ?? 0)}:${count}`;
    }
    return list;
  }

  /** The same for a change: all entries that are not below 0. */
  encodeChange(values: readonly number[], slots?: Slots): string {
    return values
      .flatMap((value, i) => (value < 0 ? [] : [`${this.indexes[i]! + (slots?.[i] ?? 0)}:${value}`]))
      .join();
  }

  /** What a waiter adds to the demand of each limit: of a shadow nothing; of a leaky bucket the time in which its units leak out. */
  demandOf(units: readonly number[], shapes = this.shapes): readonly number[] {
    const differs = (i: number) => shapes[i]!.flags !== 0 || shapes[i]!.kind === "leaky-bucket";
    // Of most sets it is the units themselves.
    if (!units.some((count, i) => count > 0 && differs(i))) return units;
    return units.map((count, i) => {
      const { flags, kind, capacity, windowMicros } = shapes[i]!;
      if (count === 0 || !differs(i)) return count;
      if (flags !== 0) return 0;
      const [product, rate] = [BigInt(count) * BigInt(windowMicros), BigInt(capacity)];
      return kind === "leaky-bucket" ? Number((product + rate - 1n) / rate) : count;
    });
  }

  /** Of values for limits those that waiters heed: a shadow lets pass what it would refuse. */
  heeded(values: readonly number[]): readonly number[] {
    return values.map((value, i) => (this.shapes[i]!.flags === 0 ? value : -1));
  }

  /** The limit of the set that has this index in the script, of whatever partition. */
  limitAt(index: number): number {
    return this.#limits[(index % SLOT) - 1]!;
  }
}

/** So many debts are in the bulk, as in `script/bulk.ts`. */
const MOST_PACKED = 16;

type Facts = Pick<Era, "number" | "version" | "tenures" | "inherit" | "slots">;

const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";

/** A number of up to 54 bits as nine letters: short, since each call has them. */
function inLetters(number: number): string {
  let text = "";
  for (let rest = number, i = 0; i < 9; rest = Math.floor(rest / 64), i++) text += LETTERS[rest % 64];
  return text;
}

/** 106 bits that tell a text from others. */
function digestOf(text: string): string {
  const digest = (seed: number) => {
    let [high, low] = [0xdeadbeef ^ seed, 0x41c6ce57 ^ seed];
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      high = Math.imul(high ^ code, 2654435761);
      low = Math.imul(low ^ code, 1597334677);
    }
    high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
    low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
    return inLetters(4294967296 * (2097151 & low) + (high >>> 0));
  };
  return digest(0) + digest(1);
}

/** The definition of a limit, and what tells it from others; behind tabs its dimension, and the definitions of its tiers. */
function lineOf(limit: Limit): string {
  const { key, type, per, tiers = {} } = limit;
  const line = `${specOf(limit)}${JSON.stringify([key, type, unitOf(limit)])}`;
  if (per === undefined) return line;
  const named = Object.keys(tiers).sort();
  const parts = named.map((tier) => `${JSON.stringify(tier)} ${specOf(tierOf(limit, tier))}`);
  return [line, `per ${JSON.stringify(per)}`, ...parts].join("\t");
}

/** `kind ceiling window weight rate idle mostUnits mostPart capacity v4 flags missing `. */
function specOf(limit: Limit): string {
  const { kind, ceiling, capacity, windowMicros, flags } = definitionOf(limit);
  const leak = KINDS[kind] > KINDS["leaky-bucket"] ? "0 0 0 0 0" : leakOf(capacity, windowMicros);
  return `${KINDS[kind]} ${ceiling} ${windowMicros} ${leak} ${capacity} v4 ${flags} ${missingUnits(limit)} `;
}

/** How a debt leaks, worked out as by `define` in assembly/numbers.ts: weight, rate, idle, and the highest debt. */
function leakOf(units: number, windowMicros: number): string {
  const capacity = BigInt(units);
  const [weight, rate] = rateOf(units, windowMicros);
  const most = weight > MOST_FULL / capacity ? MOST_TIME * rate : MOST_DEBT;
  const mostUnits = most / weight;
  const highest = mostUnits > MOST_WHOLE ? [MOST_WHOLE, 0n] : [mostUnits, most % weight];
  const idle = most / rate;
  return [weight, rate, idle > MOST_WHOLE ? MOST_WHOLE : idle, ...highest].join(" ");
}

/** In `weight` microseconds `rate` units leak out. */
function rateOf(units: number, windowMicros: number): readonly [weight: bigint, rate: bigint] {
  const [capacity, window] = [BigInt(units), BigInt(windowMicros)];
  const common = greatestCommonDivisor(capacity, window);
  return [window / common, capacity / common];
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}

/** Definitions in the words of an error message. */
export function readable(text: string): string {
  const names = Object.keys(KINDS);
  return text
    .split("\n")
    .filter((line) => !line.startsWith(HEAD))
    .map((whole) => {
      const line = whole.split("\t")[0]!;
      const [kind, ceiling, window, ...rest] = line.split(" ");
      const [key, , unit] = JSON.parse(line.slice(line.indexOf("["))) as [string, string, number];
      const capacity = Number(rest[5]) * unit;
      const burst = Number(ceiling) * unit === capacity ? "" : `, burst ${Number(ceiling) * unit}`;
      const per = window === "0" ? "" : ` per ${Number(window) / 1000} ms`;
      return `"${key}" ${names[Number(kind)]} ${capacity}${per}${burst}`;
    })
    .join("; ");
}
