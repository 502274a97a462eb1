/** One set's state in the core, in units and milliseconds: the typed side of `assembly/index.ts`. */
import {
  FIXED_WINDOW,
  GCRA,
  LEAKY_BUCKET,
  RESOURCE,
  SLIDING_WINDOW,
  TIME,
  TOKEN_BUCKET,
  UNITS,
  WAIT,
} from "../../assembly/layout.ts";
import { type Arena, arenaFor, dropIfSpent } from "./arena.ts";

const KINDS = {
  "token-bucket": TOKEN_BUCKET,
  gcra: GCRA,
  "leaky-bucket": LEAKY_BUCKET,
  "sliding-window": SLIDING_WINDOW,
  "fixed-window": FIXED_WINDOW,
  resource: RESOURCE,
} as const;

/** A limit as the core knows it: whole units, whole microseconds. */
export interface Definition {
  readonly kind: keyof typeof KINDS;
  readonly capacity: number;
  /** The most that can be taken at once. */
  readonly ceiling: number;
  readonly windowMicros: number;
}

interface Place {
  readonly arena: Arena;
  readonly start: number;
  readonly bytes: number;
}

// A set that is dropped without `close` gives its region back too.
const abandoned = new FinalizationRegistry<Place>(giveBack);

export class Region {
  readonly #place: Place;
  readonly #arena: Arena;
  readonly #start: number;
  readonly #count: number;
  readonly #scratch: number;

  constructor(definitions: readonly Definition[], shared: boolean) {
    const arena = arenaFor(shared);
    const { core } = arena;
    const count = definitions.length;
    let states = 0;
    let logs = 0;
    const offsets = definitions.map(({ kind }) => {
      const offset = { state: states, log: logs };
      states += core.stateBytes(KINDS[kind], 1);
      logs += core.logBytes(KINDS[kind]);
      return offset;
    });
    const bytes = core.regionBytes(count, states, logs, 1);
    const start = arena.allocate(bytes);
    core.format(start, count, states, logs, 1);
    definitions.forEach((definition, index) => {
      const { kind, capacity, ceiling, windowMicros } = definition;
      const { state, log } = offsets[index]!;
      core.define(start, index, KINDS[kind], capacity, ceiling, windowMicros, state, log);
    });
    this.#place = { arena, start, bytes };
    this.#arena = arena;
    this.#start = start;
    this.#count = count;
    this.#scratch = core.scratchOf(start, 0) / 8;
    abandoned.register(this, this.#place, this.#place);
  }

  /** Takes `units` (one entry a limit, 0 to leave it out) from all limits, or nothing from any. */
  take(units: readonly number[], now: number): boolean {
    this.#request(units);
    return this.#arena.core.take(this.#start, 0, now) !== 0;
  }

  /** What `take` would answer, without taking. */
  probe(units: readonly number[], now: number): boolean {
    this.#request(units);
    return this.#arena.core.probe(this.#start, 0, now) !== 0;
  }

  /** When the last successful `take` took, in microseconds. */
  get takenAt(): number {
    return this.#arena.f64[this.#scratch + TIME / 8]!;
  }

  /** How long what the last `take` or `probe` refused would have to wait, in milliseconds. */
  get wait(): number {
    return this.#arena.f64[this.#scratch + WAIT / 8]!;
  }

  /** How long limit `index` alone makes it wait: after `take` and `probe` their request, after `inspect` one unit. */
  waitOf(index: number): number {
    return this.#arena.f64[this.#scratch + UNITS / 8 + this.#count + index]!;
  }

  /** Units of limit `index` in use, after `inspect`. */
  usedOf(index: number): number {
    return this.#arena.f64[this.#scratch + UNITS / 8 + index]!;
  }

  /** Charges the positive `units` and gives back the negative ones, of what was taken at `takenAt`. */
  settle(units: readonly number[], now: number, takenAt: number): void {
    this.#request(units);
    this.#arena.core.settle(this.#start, 0, now, takenAt);
  }

  /** Reads all limits at one moment, for `usedOf` and `waitOf`. */
  inspect(now: number): void {
    this.#arena.core.inspect(this.#start, 0, now);
  }

  /** Gives the memory back; the region must not be used after. */
  close(): void {
    abandoned.unregister(this.#place);
    giveBack(this.#place);
  }

  #request(units: readonly number[]): void {
    const { f64 } = this.#arena;
    const base = this.#scratch + UNITS / 8;
    for (let i = 0; i < units.length; i++) f64[base + i] = units[i]!;
  }
}

function giveBack({ arena, start, bytes }: Place): void {
  arena.free(start, bytes);
  dropIfSpent(arena);
}
