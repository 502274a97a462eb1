/** Lays out regions, and copies the state of one region into another. */
import {
  AHEAD,
  COUNT_WORDS,
  DIMENSION_AT,
  LATEST,
  LINE,
  LOG,
  REPORT_AFTER,
  REPORT_WORDS,
  SHIFT,
  STATE,
  STATES,
  UNIT_BYTES,
  UNITS,
} from "../../assembly/layout.ts";
import { InvalidLimitError } from "../errors.ts";
import type { Arena, Heap } from "./arena.ts";
import { type Address, presentBlock, wordOfDefinition } from "./block.ts";
import { type Definition, kindOf } from "./kinds.ts";
import type { CoreExports } from "./module.ts";
import { writeText } from "./text.ts";

/** Where a region is in this isolate's arena, and its size. */
export interface Laid {
  readonly start: number;
  readonly bytes: number;
}

/** All that decides how a region is laid out. */
export interface Plan {
  readonly definitions: readonly Definition[];
  readonly participants: number;
  /** The text of the definitions, where threads share the region. */
  readonly text?: string;
  /** How many dimensions there are of partitions that threads share. Default: 0. */
  readonly dimensions?: number;
}

/** A plan with the sizes of its parts. */
export interface Shape {
  readonly definitions: readonly Definition[];
  readonly participants: number;
  readonly states: number;
  readonly logs: number;
  /** For each limit, the sizes of the states and the logs before it. */
  readonly offsets: readonly { readonly state: number; readonly log: number }[];
  readonly text: Uint8Array;
  readonly dimensions: number;
  readonly textAt: number;
  readonly bytes: number;
}

/** Makes a region with the state of a set that was never used. `seats` is the address of its seats, if threads share the region. */
export function lay(arena: Arena, plan: Plan, seats = 0): Laid {
  const shape = shapeOf(arena.core, plan);
  const { bytes } = shape;
  const start = allocate(arena, bytes, plan.definitions.length);
  layAt(arena, start, shape, seats, start, 0);
  return { start, bytes };
}

export function shapeOf(
  core: CoreExports,
  { definitions, participants, text = "", dimensions = 0 }: Plan,
): Shape {
  const count = definitions.length;
  let states = 0;
  let logs = 0;
  const offsets = definitions.map((definition) => {
    const offset = { state: states, log: logs };
    // The state of a partition stands there too, under any of its tiers.
    const kinds = [definition, ...(definition.tiers ?? [])].map((each) => kindOf(each ?? definition));
    states += Math.max(...kinds.map((each) => core.stateBytes(each, participants)));
    logs += Math.max(...kinds.map((each) => core.logBytes(each)));
    return offset;
  });
  const encoded = text === "" ? NO_TEXT : new TextEncoder().encode(text);
  const textAt = sizeOf(core, count, states, logs, participants, dimensions);
  const bytes = textAt + encoded.length;
  return { definitions, participants, states, logs, offsets, text: encoded, dimensions, textAt, bytes };
}

/**
 * Lays out a region at `start`, where all is 0. `home` is the region that has the head, and `number` tells the regions of that head
 * apart.
 */
export function layAt(
  { core, memory }: Heap,
  start: number,
  { definitions, participants, states, logs, offsets, text, dimensions, textAt }: Shape,
  seats: number,
  home: number,
  number: number,
): void {
  core.format(start, definitions.length, states, logs, participants, seats, home, number, dimensions);
  definitions.forEach((definition, index) => {
    const { capacity, ceiling, windowMicros, flags } = definition;
    const { state, log } = offsets[index]!;
    const all = dimensions > 0 ? flags | (((definition.per ?? -1) + 1) << DIMENSION_AT) : flags;
    core.define(start, index, kindOf(definition), capacity, ceiling, windowMicros, state, log, all);
  });
  if (text.length > 0) writeText({ buffer: memory.buffer, start }, textAt, text);
}

const NO_TEXT = new Uint8Array();

function allocate(arena: Arena, bytes: number, count: number): number {
  try {
    return arena.allocate(bytes);
  } catch (cause) {
    const bounds = `fewer, or in fewer sets: the memory of this isolate has no ${bytes} bytes left`;
    throw Object.assign(new InvalidLimitError("limits", count, bounds), { cause });
  }
}

// Offsets within a region are 32-bit numbers with a sign.
const MOST_BYTES = 2 ** 31 - LINE;

/** The size of a region. It is checked before anything is written. */
function sizeOf(
  core: CoreExports,
  count: number,
  states: number,
  logs: number,
  participants: number,
  dimensions: number,
): number {
  const block = states + logs;
  const bytes =
    2 * block <= MOST_BYTES ? core.regionBytes(count, states, logs, participants, dimensions) : 2 * block;
  if (bytes <= MOST_BYTES) return bytes;
  const [field, value] = participants > 1 ? ["maxThreads", participants - 1] : ["limits", count];
  const what = participants > 1 ? ` for ${participants - 1} threads` : "";
  throw new InvalidLimitError(
    field as string,
    value,
    `small enough: ${count} limits${what} take ${bytes} bytes of memory, and a set can have ${MOST_BYTES}`,
  );
}

/** Copies the state and the time of a region of one participant into a new region of several, in which that participant is the first. */
export function copyState(
  core: CoreExports,
  definitions: readonly Definition[],
  from: Address,
  to: Address,
): void {
  const bytes = new Uint8Array(to.buffer);
  const source = presentBlock(from);
  const target = presentBlock(to);
  const copy = (at: number, length: number, old = at) =>
    bytes.copyWithin(target + at, source + old, source + old + length);
  copy(LATEST, STATES - LATEST);
  const scratch = core.scratchOf(from.start, 0) >>> 0;
  const copyScratch = (at: number, length: number) =>
    bytes.copyWithin((core.scratchOf(to.start, 0) >>> 0) + at, scratch + at, scratch + at + length);
  // The corrections of its time are two words, one behind the other.
  copyScratch(SHIFT, AHEAD + 8 - SHIFT);
  const word = UNIT_BYTES * definitions.length;
  copyScratch(UNITS + (REPORT_AFTER + REPORT_WORDS) * word, COUNT_WORDS * word);
  definitions.forEach((definition, index) => {
    const kind = kindOf(definition);
    const place = (word: number) =>
      [wordOfDefinition(to, index, word), wordOfDefinition(from, index, word)] as const;
    const [state, oldState] = place(STATE);
    const [log, oldLog] = place(LOG);
    copy(state, core.stateBytes(kind, 1), oldState);
    copy(log, core.logBytes(kind), oldLog);
  });
}
