/** One set's state in the core, in units and milliseconds: the typed side of `assembly/index.ts`. */
import {
  FIXED_WINDOW,
  GCRA,
  INSPECT,
  LEAKY_BUCKET,
  PROBE,
  REFUSER,
  RESOURCE,
  SETTLE,
  SLIDING_WINDOW,
  TAKE,
  TOKEN_BUCKET,
  UNITS,
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

export { PROBE, SETTLE, TAKE };

type Action = typeof TAKE | typeof PROBE | typeof SETTLE;

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
  private readonly place: Place;
  private readonly arena: Arena;
  private readonly start: number;
  private readonly count: number;
  private readonly scratch: number;
  /** Where in the arena's view the words of the scratch area are. */
  private readonly units: number;

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
    this.place = { arena, start, bytes };
    this.arena = arena;
    this.start = start;
    this.count = count;
    this.scratch = core.scratchOf(start, 0);
    this.units = (this.scratch + UNITS) / 8;
    abandoned.register(this, this.place, this.place);
  }

  /**
   * Does `action` with `units`, one entry a limit:
   *
   * - `TAKE` takes them from all limits and returns when, in microseconds. Or it takes nothing and returns minus the
   *   milliseconds until it could pass, -Infinity if that hangs on a release; `refuses` then says which limits refuse.
   *   0 leaves a limit out.
   * - `PROBE` answers the same and takes nothing either way.
   * - `SETTLE` gives back the negative ones, of what was taken at `takenAt`, and charges the positive ones, at `now`.
   */
  transact(action: Action, units: readonly number[], now: number, takenAt: number): number {
    const arena = this.arena;
    const f64 = arena.f64;
    const at = this.units;
    for (let i = 0; i < units.length; i++) f64[at + i] = units[i]!;
    return arena.core.transact(this.start, this.scratch, now, action, takenAt);
  }

  /** Whether limit `index` refused the last `TAKE` or `PROBE`. */
  refuses(index: number): boolean {
    return this.waitOf(index) !== 0;
  }

  /** The limit that alone refused the last `TAKE` or `PROBE`; below 0 if several did. */
  get refuser(): number {
    return this.arena.f64[this.units + (REFUSER - UNITS) / 8]!;
  }

  /** How long one unit of limit `index` would have to wait, after `inspect`, in milliseconds. */
  waitOf(index: number): number {
    return this.arena.f64[this.units + this.count + index]!;
  }

  /** Units of limit `index` in use, after `inspect`. */
  usedOf(index: number): number {
    return this.arena.f64[this.units + index]!;
  }

  /** Reads all limits at one moment, for `usedOf` and `waitOf`. */
  inspect(now: number): void {
    this.arena.core.transact(this.start, this.scratch, now, INSPECT, 0);
  }

  /** Gives the memory back; the region must not be used after. */
  close(): void {
    abandoned.unregister(this.place);
    giveBack(this.place);
  }
}

function giveBack({ arena, start, bytes }: Place): void {
  arena.free(start, bytes);
  dropIfSpent(arena);
}
