/**
 * Records decisions for every runtime to repeat: histories of random sets. Each line is an operation and the oracle's answer. A
 * history ends where the oracle leaves the core room to round.
 *
 *   set <ms> <limits>         a new set, at that time
 *   at <ms>                   the clock moves
 *   try <amounts>             => #<number> <amounts taken>, or <ms to wait> <the limits that refuse>
 *   in <number> <amounts>     the same, nested; without waiting
 *   use <number> <amounts>    => the error, if there is one
 *   end <number>              likewise
 *   stats                     => of each limit: used, available, milliseconds until one unit passes
 */
import { ALGORITHMS, amountOf, toLimit } from "../property/definitions.ts";
import type { Range } from "../property/model.ts";
import { ceilingOf, type Definition, OracleSet, type Reservation, waitMs } from "../property/oracle.ts";

const SEED = 0x1157;
const START_US = 1_750_000_000_123_456;
const HISTORIES = 85;
const STEPS = 70;

/** A small generator of random numbers with a seed of its own: the file must not change when a library does. */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 up to `end`, which is excluded. Marsaglia, Xorshift RNGs, 2003. */
  below(end: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % end;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** True in `percent` of a hundred cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

interface Held {
  readonly number: number;
  readonly reservation: Reservation;
  /** The limits that it and the acquisitions around it hold. */
  readonly covered: readonly boolean[];
}

/** Thrown where the oracle allows more than one answer. */
class Inexact extends Error {}

function only({ least, most }: Range): bigint {
  if (least !== most) throw new Inexact();
  return least;
}

/** One set and its operations. */
class History {
  readonly lines: string[] = [];
  readonly #dice: Dice;
  readonly #definitions: readonly Definition[];
  readonly #oracle: OracleSet;
  readonly #held: Held[] = [];
  #us: number;
  #readyUs = 0;
  #grants = 0;

  constructor(dice: Dice, definitions: readonly Definition[], us: number) {
    this.#dice = dice;
    this.#definitions = definitions;
    this.#oracle = new OracleSet(definitions);
    this.#us = us;
    this.lines.push(`set ${us / 1000} ${JSON.stringify(definitions.map(toLimit))}`);
  }

  step(): void {
    const dice = this.#dice;
    const kind = dice.below(100);
    const held = this.#held.length > 0 ? dice.of(this.#held) : undefined;
    if (kind < 40) this.#take(undefined);
    else if (kind < 43) this.#ask("try", { [dice.of(this.#definitions).key]: dice.of([-1, 2 ** 53]) });
    else if (held && kind < 48) this.#take(held);
    else if (held && kind < 60) this.#use(held);
    else if (held && kind < 76) this.#end(held);
    else this.#move(dice.chance(40) ? this.#readyUs - dice.below(2) : this.#us + this.#pace());
    if (dice.chance(25)) this.#stats();
  }

  /** A request for some of the limits, mostly for small amounts. */
  #take(around: Held | undefined): void {
    const dice = this.#dice;
    const sure = dice.below(this.#definitions.length);
    const units: Record<string, number> = {};
    for (const [i, definition] of this.#definitions.entries()) {
      if (i !== sure && !dice.chance(definition.type === "rate" ? 60 : 25)) continue;
      const ceiling = Number(ceilingOf(definition));
      const amounts = [1, 1, 2, 3, Math.ceil(ceiling / 4), Math.ceil(ceiling / 2), ceiling];
      units[definition.key] = Math.min(ceiling, dice.of(amounts));
    }
    this.#ask(around ? `in ${around.number}` : "try", units, around);
  }

  #ask(how: string, units: Record<string, number>, around?: Held): void {
    const named = this.#definitions.filter(({ key }) => key in units);
    const line = `${how} ${this.#show(units)}`;
    const clock = BigInt(this.#us);
    // The set reads its clock before it looks at the request: one that makes no sense shows it a step of the clock too.
    this.#oracle.timeOf(clock);
    const amounts = this.#oracle.amounts(
      Object.fromEntries(named.map(({ key }) => [key, BigInt(units[key]!)])),
    );
    if (!amounts) {
      this.#write(line, "ERR_INVALID_REQUEST");
      return;
    }
    for (const [i, { key }] of this.#definitions.entries())
      if (around?.covered[i] && !(key in units)) amounts[i] = 0n;
    const { now, reading, mayGrant, mayRefuse, ready } = this.#oracle.judge(clock, amounts);
    if (mayGrant === mayRefuse) throw new Inexact();
    if (mayRefuse) {
      const waits = ready.map((range) => (range ? waitMs(reading, now, only(range)) : 0));
      const longest = Math.max(...waits);
      const keys = this.#definitions.flatMap(({ key }, i) => (waits[i]! > 0 ? [key] : []));
      if (Number.isFinite(longest)) this.#readyUs = this.#us + Math.round(longest * 1000);
      this.#write(line, around ? "ERR_ACQUIRE_TIMEOUT" : `${longest} ${keys.join(" ")}`);
      return;
    }
    const reservation = this.#oracle.take(clock, amounts);
    const covered = amounts.map((n, i) => n > 0n || around?.covered[i] === true);
    const number = this.#grants++;
    this.#held.push({ number, reservation, covered });
    const taken = this.#definitions.flatMap((definition, i) =>
      amounts[i]! > 0n ? [[definition.key, amountOf(definition, Number(amounts[i]))]] : [],
    );
    this.#write(line, `#${number} ${JSON.stringify(Object.fromEntries(taken))}`);
  }

  /** Reports usage: below, at or above what was taken. */
  #use({ number, reservation }: Held): void {
    const dice = this.#dice;
    const units: Record<string, number> = {};
    let tooMuch = false;
    for (const [i, { key, type, overage }] of this.#definitions.entries()) {
      const taken = Number(reservation.amounts[i]!);
      if (type === "resource" || taken === 0) continue;
      const used = dice.of([taken, 0, Math.floor(taken / 2), dice.below(taken + 1), taken, taken + 2]);
      units[key] = used;
      if (used > taken && overage === "error") tooMuch = true;
    }
    this.#write(`use ${number} ${this.#show(units)}`, tooMuch ? "ERR_USAGE_EXCEEDS_REQUESTED" : "done");
    if (tooMuch) return;
    for (const [i, { key }] of this.#definitions.entries())
      if (key in units) reservation.reported[i] = BigInt(units[key]!);
  }

  #end(held: Held): void {
    const { number, reservation } = held;
    const missing = this.#definitions.some(
      ({ type }, i) =>
        type === "rate" && reservation.amounts[i]! > 0n && reservation.reported[i] === undefined,
    );
    this.#oracle.release(BigInt(this.#us), reservation);
    this.#held.splice(this.#held.indexOf(held), 1);
    this.#write(`end ${number}`, missing ? "ERR_USAGE_NOT_REPORTED" : "done");
    if (this.#dice.chance(10)) this.#write(`use ${number} {}`, "ERR_ACQUISITION_RELEASED");
  }

  #move(us: number): void {
    if (us < START_US || us === this.#us) return;
    this.#us = us;
    this.lines.push(`at ${us / 1000}`);
  }

  /** How far the clock moves: by very little, by part of a window, by windows, or back. */
  #pace(): number {
    const { windowUs, capacity } = this.#dice.of(this.#definitions);
    const part = this.#dice.below(1000) / 1000;
    return this.#dice.of([
      1,
      Math.ceil(windowUs / capacity),
      Math.floor(windowUs * part),
      Math.floor((windowUs * part) / 10),
      windowUs - 1,
      windowUs,
      2 * windowUs,
      -Math.floor((windowUs * part) / 10),
    ]);
  }

  #stats(): void {
    const clock = BigInt(this.#us);
    const { now, reading } = this.#oracle.timeOf(clock);
    const all = this.#definitions.map((definition, i) => {
      const used = Number(only(this.#oracle.used(clock, i)));
      const free = Number(ceilingOf(definition)) - used;
      const wait = waitMs(reading, now, only(this.#oracle.models[i]!.ready(now, 1n)));
      return [amountOf(definition, used), amountOf(definition, free), wait].join(" ");
    });
    this.#write("stats", all.join(", "));
  }

  #show(units: Record<string, number>): string {
    const amounts = this.#definitions
      .filter(({ key }) => key in units)
      .map((definition) => [definition.key, amountOf(definition, units[definition.key]!)]);
    return JSON.stringify(Object.fromEntries(amounts));
  }

  #write(line: string, answer: string): void {
    this.lines.push(`${line} => ${answer}`);
  }
}

function define(dice: Dice): Definition[] {
  const definitions: Definition[] = [];
  const count = 1 + dice.below(4);
  for (let i = 0; i < count; i++) {
    const type = dice.of(["rate", "rate", "rate", "call", "resource"] as const);
    if (type === "call" && definitions.some((one) => one.type === "call")) continue;
    const algorithm = type === "resource" ? "none" : dice.of(ALGORITHMS);
    const capacity = dice.of([1, 3, 7, 10, 60, 100, 1000, 90_000, 1e12, 1 + dice.below(50)]);
    const unit = type === "rate" ? dice.of([1, 1, 1, 5, 0.1, 0.25]) : 1;
    definitions.push({
      key: type === "call" ? "call_count" : `${type === "rate" ? "tokens" : "slots"}_${i}`,
      type,
      algorithm,
      capacity: unit === 1 ? capacity : Math.min(capacity, 90_000),
      windowUs: dice.of([1_000_000, 60_000_000, 999_983, 3_600_000_000, 1000, 1]),
      burst: algorithm === "gcra" ? Math.min(capacity, dice.of([1, 5, 1e15])) : capacity,
      unit,
      overage: type === "rate" && capacity <= 90_000 && dice.chance(50) ? "debt" : "error",
    });
  }
  return definitions.map((one) => ({ ...one, burst: Math.min(one.burst, one.capacity) }));
}

export function record(): string {
  const dice = new Dice(SEED);
  const lines: string[] = [];
  for (let i = 0; i < HISTORIES; i++) {
    const history = new History(dice, define(dice), START_US + dice.below(1_000_000_000));
    try {
      for (let step = 0; step < STEPS; step++) history.step();
    } catch (error) {
      if (!(error instanceof Inexact)) throw error;
    }
    lines.push(...history.lines);
  }
  return `${lines.join("\n")}\n`;
}
