/** One set's state in the core, in units and milliseconds: the typed side of `assembly/index.ts`. */
import {
  BLOCK_BYTES,
  BLOCKS,
  CEILING,
  DEFINITION_BYTES,
  DEFINITIONS,
  FIXED_WINDOW,
  GCRA,
  HEAD,
  HELD,
  HELD_BYTES,
  IN_USE,
  INDEX_MASK,
  INSPECT,
  KIND,
  LATEST,
  LEAKY_BUCKET,
  LIMITS,
  LOG,
  PROBE,
  REFUSER,
  REPEATS,
  RESOURCE,
  SETTLE,
  SLIDING_WINDOW,
  STATE,
  TAKE,
  TOKEN_BUCKET,
  UNITS,
} from "../../assembly/layout.ts";
import { restoreTo, snapshotOf } from "../cloudflare/snapshot.ts";
import { Membership } from "../threads/membership.ts";
import { Participants, type Seat } from "../threads/participants.ts";
import { type Arena, arenaFor, type Heap } from "./arena.ts";

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

/** What a set has to give back. */
interface Place {
  readonly heap: Heap;
  readonly start: number;
  readonly bytes: number;
  /** Where the region came from: this thread's arena, or undefined for another's. */
  readonly arena: Arena | undefined;
  readonly membership: Membership | undefined;
}

// A set that is dropped without `close` gives its region back too.
const abandoned = new FinalizationRegistry<Place>(giveBack);

export class Region {
  private place!: Place;
  private heap!: Heap;
  private start!: number;
  private scratch!: number;
  /** Which life of its participant's number this is; 0 where there is one participant only. */
  private life!: number;
  /** Where in the heap's view the words of the scratch area are. */
  private units!: number;
  private readonly count: number;

  /** A new region in the memory of this isolate, for this thread alone. */
  static create(definitions: readonly Definition[], shared: boolean): Region {
    return new Region(lay(arenaFor(shared), definitions, 1));
  }

  /** The region that another thread has made at `start` in its memory, for the holder of `seat`. */
  static attach(heap: Heap, start: number, participants: Participants, seat: Seat): Region {
    const membership = new Membership(heap, start, participants, seat);
    return new Region({ heap, start, bytes: 0, arena: undefined, membership });
  }

  private constructor(place: Place) {
    this.occupy(place);
    this.count = new Int32Array(place.heap.memory.buffer, place.start)[LIMITS / 4]!;
  }

  /** Which threads take part; undefined while this one is alone. */
  get membership(): Membership | undefined {
    return this.place.membership;
  }

  /** What a thread needs to find this region. */
  get address(): { readonly memory: WebAssembly.Memory; readonly start: number } {
    return { memory: this.heap.memory, start: this.start };
  }

  /** Whether the memory can be shared with threads. */
  get sharable(): boolean {
    return this.heap.shared;
  }

  /** How many transactions this thread has had to repeat, because others were faster. */
  get repeats(): number {
    return this.heap.f64[(this.scratch + REPEATS) / 8]!;
  }

  /**
   * Does `action` with `units`, one entry a limit:
   *
   * - `TAKE` takes them from all limits and returns when, in microseconds. Or it takes nothing and returns minus the
   *   milliseconds until it could pass, -Infinity if that hangs on a release; `refuses` then says which limits refuse.
   *   0 leaves a limit out. `since` is when the request came, in microseconds, 0 if that is now; negative if it is nested.
   * - `PROBE` answers the same and takes nothing either way.
   * - `SETTLE` gives back the negative ones, of what was taken at `since`, and charges the positive ones, at `now`.
   *
   * NaN if this thread has been given up by another.
   */
  transact(action: Action, units: readonly number[], now: number, since: number): number {
    const heap = this.heap;
    const f64 = heap.f64;
    const at = this.units;
    for (let i = 0; i < units.length; i++) f64[at + i] = units[i]!;
    return heap.core.transact(this.start, this.scratch, this.life, now, action, since);
  }

  /** Whether limit `index` refused the last `TAKE` or `PROBE`. */
  refuses(index: number): boolean {
    return this.waitOf(index) !== 0;
  }

  /** The limit that alone refused the last `TAKE` or `PROBE`; below 0 if several did. */
  get refuser(): number {
    return this.heap.f64[this.units + (REFUSER - UNITS) / 8]!;
  }

  /** How long one unit of limit `index` would have to wait, after `inspect`, in milliseconds. */
  waitOf(index: number): number {
    return this.heap.f64[this.units + this.count + index]!;
  }

  /** Units of limit `index` in use, after `inspect`. */
  usedOf(index: number): number {
    return this.heap.f64[this.units + index]!;
  }

  /** Reads all limits at one moment, for `usedOf` and `waitOf`. False if this thread has been given up by another. */
  inspect(now: number): boolean {
    return !Number.isNaN(this.heap.core.transact(this.start, this.scratch, this.life, now, INSPECT, 0));
  }

  /**
   * Whether a request would be refused even if all other threads gave back what they hold. What this thread holds nobody else
   * changes, so that it needs no transaction.
   */
  hangsOnSelf(units: readonly number[]): boolean {
    const view = new DataView(this.heap.memory.buffer, this.start);
    const word = (at: number) => view.getInt32(at, true);
    const long = (at: number) => Number(view.getBigInt64(at, true));
    const block = word(BLOCKS) + (word(HEAD) & INDEX_MASK) * word(BLOCK_BYTES);
    const participant = this.membership?.seat.participant ?? 0;
    return units.some((count, i) => {
      const definition = DEFINITIONS + i * DEFINITION_BYTES;
      if (count === 0 || word(definition + KIND) !== RESOURCE) return false;
      const held = long(block + word(definition + STATE) + HELD + participant * HELD_BYTES);
      return held + count > long(definition + CEILING);
    });
  }

  /** Changes with the state, and only then; for one participant. */
  get version(): bigint {
    return new BigInt64Array(this.heap.memory.buffer, this.start, 1)[HEAD / 8]!;
  }

  /** The state as bytes, of a region of one participant. */
  snapshot(): Uint8Array<ArrayBuffer> {
    return snapshotOf(this.heap.memory.buffer, this.start);
  }

  /** Takes over the state of a region with the same definitions. False, and nothing has changed, if it is not that. */
  restore(snapshot: Uint8Array): boolean {
    return restoreTo(this.heap.memory.buffer, this.start, snapshot);
  }

  /** Sets how many units of a ResourceLimit are held, of a region of one participant: what they were taken by has been kept elsewhere. */
  hold(index: number, units: number): void {
    const view = new DataView(this.heap.memory.buffer, this.start);
    const word = (at: number) => view.getInt32(at, true);
    const block = word(BLOCKS) + (word(HEAD) & INDEX_MASK) * word(BLOCK_BYTES);
    const state = block + word(DEFINITIONS + index * DEFINITION_BYTES + STATE);
    view.setBigInt64(state + IN_USE, BigInt(units), true);
    view.setBigInt64(state + HELD, BigInt(units), true);
  }

  /** Moves to a region with room for so many participants, of which this thread is one. */
  widen(definitions: readonly Definition[], participants: number): Membership {
    const { heap, arena, start, bytes } = this.place;
    const wide = lay(arena!, definitions, participants);
    copyState(heap, definitions, start, wide.start);
    const threads = new Participants(heap.memory, wide.start);
    const membership = new Membership(heap, wide.start, threads, threads.found(drawSerial()));
    arena!.free(start, bytes);
    abandoned.unregister(this);
    this.occupy({ ...wide, membership });
    return membership;
  }

  /** Leaves the region, and gives its memory back if nobody else is in it. It must not be used after. */
  close(): void {
    abandoned.unregister(this);
    giveBack(this.place);
  }

  private occupy(place: Place): void {
    const { heap, start, membership } = place;
    this.place = place;
    this.heap = heap;
    this.start = start;
    this.scratch = heap.core.scratchOf(start, membership?.seat.participant ?? 0);
    this.life = membership?.seat.life ?? 0;
    this.units = (this.scratch + UNITS) / 8;
    abandoned.register(this, place, this);
  }
}

/** Drawn, not counted: whatever stands there when the memory is another's is not taken for it. */
function drawSerial(): number {
  return 1 + Math.floor(Math.random() * (2 ** 31 - 1));
}

/** Lays out a new region. */
function lay(arena: Arena, definitions: readonly Definition[], participants: number): Place {
  const { core } = arena;
  const count = definitions.length;
  let states = 0;
  let logs = 0;
  const offsets = definitions.map(({ kind }) => {
    const offset = { state: states, log: logs };
    states += core.stateBytes(KINDS[kind], participants);
    logs += core.logBytes(KINDS[kind]);
    return offset;
  });
  const bytes = core.regionBytes(count, states, logs, participants);
  const start = arena.allocate(bytes);
  core.format(start, count, states, logs, participants);
  definitions.forEach((definition, index) => {
    const { kind, capacity, ceiling, windowMicros } = definition;
    const { state, log } = offsets[index]!;
    core.define(start, index, KINDS[kind], capacity, ceiling, windowMicros, state, log);
  });
  return { heap: arena, start, bytes, arena, membership: undefined };
}

/** Copies the state of a region of one participant to a new one of several, in which that is the first. */
function copyState(
  { core, memory }: Heap,
  definitions: readonly Definition[],
  from: number,
  to: number,
): void {
  const bytes = new Uint8Array(memory.buffer);
  const words = new Int32Array(memory.buffer);
  const word = (at: number) => words[at / 4]!;
  const source = from + word(from + BLOCKS) + (word(from + HEAD) & INDEX_MASK) * word(from + BLOCK_BYTES);
  const target = to + word(to + BLOCKS);
  const copy = (at: number, length: number, old = at) =>
    bytes.copyWithin(target + at, source + old, source + old + length);
  copy(LATEST, 8);
  definitions.forEach(({ kind }, index) => {
    const definition = DEFINITIONS + index * DEFINITION_BYTES;
    const place = (offset: number) =>
      [word(to + definition + offset), word(from + definition + offset)] as const;
    const [state, oldState] = place(STATE);
    const [log, oldLog] = place(LOG);
    copy(state, core.stateBytes(KINDS[kind], 1), oldState);
    copy(log, core.logBytes(KINDS[kind]), oldLog);
  });
}

function giveBack({ arena, start, bytes, membership }: Place): void {
  membership?.leave();
  arena?.retire({ start, bytes, isFree: () => membership?.participants.none ?? true });
}
