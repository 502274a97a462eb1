/**
 * States in the storage that earlier versions wrote. They had no records, no time of a reset, and the times of marks were whole
 * microseconds. Limits of one kind had one format since version 1 of it: the format of a set was the highest of its limits.
 */
import {
  DEBT,
  DEBT_BYTES,
  FIXED_BYTES,
  FIXED_WINDOW,
  GCRA,
  HELD,
  HELD_BYTES,
  LATEST,
  MARK_COUNT,
  MARK_LOW,
  MARK_STAMP,
  MARKS,
  MAX_MARKS,
  PIECE,
  RECORD_BYTES,
  RESOURCE,
  SLIDING_BYTES,
  SLIDING_WINDOW,
  STATES,
  WIDE_BUCKET,
  WIDE_BYTES,
} from "../../assembly/layout.ts";
import { kindOf } from "../core/kinds.ts";
import { definitionOf } from "../limits/definition.ts";
import type { Limit } from "../limits/limits.ts";

/** Sets with a fixed window. Under the formats before, its state had the window's number in place of its end. */
const FIXED_FORMAT = 3;
/** Sets with a limit whose debts have two words. Under format 1 such a limit had a state of another size and meaning. */
const WIDE_FORMAT = 2;
const FIRST_FORMAT = 1;

/** The format in which the last version before records kept the state of these limits. */
export function olderFormatOf(limits: readonly Limit[]): number {
  const kinds = kindsOf(limits);
  if (kinds.includes(FIXED_WINDOW)) return FIXED_FORMAT;
  return kinds.some((kind) => kind >= WIDE_BUCKET) ? WIDE_FORMAT : FIRST_FORMAT;
}

/** The state of these limits, from their state in that format; undefined if its size does not fit. */
export function upgraded(limits: readonly Limit[], older: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const kinds = kindsOf(limits);
  const sum = kinds.reduce((total, kind) => total + stateBytes(kind), 0);
  const olderEnd = 8 + inPieces(sum - kinds.length * RECORD_BYTES);
  if (older.length < olderEnd) return undefined;
  const head = STATES - LATEST;
  const end = head + inPieces(sum);
  const state = new Uint8Array(end + older.length - olderEnd);
  state.set(older.subarray(0, 8));
  state.set(older.subarray(olderEnd), end);
  let [from, to] = [8, head];
  for (const kind of kinds) {
    const bytes = stateBytes(kind) - RECORD_BYTES;
    to += RECORD_BYTES;
    state.set(older.subarray(from, from + bytes), to);
    if (kind <= GCRA || kind === WIDE_BUCKET)
      stampMarks(state, to - RECORD_BYTES, kind === WIDE_BUCKET ? 16 : 8);
    from += bytes;
    to += bytes;
  }
  return state;
}

/** Makes stamps of the times of the marks of a state at `at`, whose debts have so many bytes. */
function stampMarks(bytes: Uint8Array<ArrayBuffer>, at: number, debtBytes: number): void {
  const view = new DataView(bytes.buffer);
  const marks = at + DEBT + debtBytes;
  const count = Math.min(view.getUint32(marks + MARK_COUNT, true), MAX_MARKS);
  for (let i = 0; i < count; i++) {
    const time = marks + MARKS + i * (MARK_LOW + debtBytes) + MARK_STAMP;
    view.setBigInt64(time, 2n * view.getBigInt64(time, true), true);
  }
}

function kindsOf(limits: readonly Limit[]): number[] {
  return limits.map((limit) => kindOf(definitionOf(limit)));
}

function stateBytes(kind: number): number {
  if (kind === RESOURCE) return HELD + HELD_BYTES;
  if (kind === SLIDING_WINDOW) return SLIDING_BYTES;
  if (kind === FIXED_WINDOW) return FIXED_BYTES;
  return kind >= WIDE_BUCKET ? WIDE_BYTES : DEBT_BYTES;
}

function inPieces(bytes: number): number {
  return Math.ceil(bytes / PIECE) * PIECE;
}
