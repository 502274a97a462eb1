/**
 * Snapshots of a region: its state as bytes for the storage, which a region with the same definitions and layout can read again. The
 * region has one participant. Of limits with partitions it has the totals; all else of them is in the rows of their partitions.
 *
 * ```
 * LATEST i64 | RESET_AT i64 | 0 i64 | states of all limits, as in a block | the entries of each sliding window, oldest first
 * ```
 */
import {
  COUNT,
  ENTRY_BYTES,
  FIRST,
  GRANTED,
  HELD,
  IN_USE,
  KIND,
  LATEST,
  LOG,
  MAX_ENTRIES,
  PAUSED,
  RECORD_BYTES,
  SLIDING_WINDOW,
  STATE,
  STATE_BYTES,
  STATES,
} from "../../assembly/layout.ts";
import { headOf, presentBlock, wordOfDefinition } from "../core/block.ts";
import type { Region } from "../core/region.ts";
import type { Limit } from "../limits/limits.ts";

/** The part of a block before the states, but for the numbers of the block and of its claims. */
const HEAD_BYTES = STATES - LATEST;

/** The addresses of a sliding window's state and of its log. */
interface Log {
  readonly state: number;
  readonly log: number;
}

/** The addresses of the parts of a region's present block. */
class BlockParts {
  readonly latest: number;
  readonly states: number;
  readonly statesEnd: number;
  readonly logs: readonly Log[];
  /** The states of limits with partitions, but for their totals: what a transaction has left there. */
  readonly left: readonly (readonly [from: number, to: number])[];
  readonly view: DataView;
  readonly bytes: Uint8Array;

  constructor({ address }: Region, limits: readonly Limit[]) {
    const { buffer, start } = address;
    this.view = new DataView(buffer);
    this.bytes = new Uint8Array(buffer);
    const word = (at: number) => this.view.getInt32(start + at, true);
    const block = presentBlock(address);
    this.latest = block + LATEST;
    this.states = block + STATES;
    this.statesEnd = block + word(STATE_BYTES);
    const logs: Log[] = [];
    const left: (readonly [number, number])[] = [];
    for (const [i, { per }] of limits.entries()) {
      const ofLimit = (at: number) => wordOfDefinition(address, i, at);
      const state = block + ofLimit(STATE);
      if (per !== undefined) {
        const next = i + 1 < limits.length ? block + wordOfDefinition(address, i + 1, STATE) : this.statesEnd;
        left.push([state + PAUSED, state + GRANTED], [state + RECORD_BYTES, next]);
      } else if (ofLimit(KIND) === SLIDING_WINDOW) {
        logs.push({ state, log: block + ofLimit(LOG) });
      }
    }
    this.logs = logs;
    this.left = left;
  }
}

/** A number that changes whenever the state of the region changes, and only then. */
export function versionOf({ address }: Region): bigint {
  return headOf(address);
}

/** Sets how many units of the ResourceLimit `index` are held. A snapshot need not agree with the grants, which are stored apart. */
export function setHeld({ address }: Region, index: number, units: number): void {
  const view = new DataView(address.buffer);
  const state = presentBlock(address) + wordOfDefinition(address, index, STATE);
  view.setBigInt64(state + IN_USE, BigInt(units), true);
  view.setBigInt64(state + HELD, BigInt(units), true);
}

/** The present state of a region with these limits. */
export function snapshotOf(region: Region, limits: readonly Limit[]): Uint8Array<ArrayBuffer> {
  const { view, bytes, latest, states, statesEnd, logs, left } = new BlockParts(region, limits);
  const parts = [bytes.subarray(latest, latest + HEAD_BYTES), bytes.subarray(states, statesEnd)];
  for (const { state, log } of logs) {
    const from = log + view.getInt32(state + FIRST, true) * ENTRY_BYTES;
    parts.push(bytes.subarray(from, from + view.getInt32(state + COUNT, true) * ENTRY_BYTES));
  }
  const snapshot = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    snapshot.set(part, at);
    at += part.length;
  }
  for (const [from, to] of left) snapshot.fill(0, HEAD_BYTES + from - states, HEAD_BYTES + to - states);
  return snapshot;
}

/** Makes the snapshot the state of the region. Returns false, and changes nothing, if its size does not fit the region. */
export function restoreTo(region: Region, limits: readonly Limit[], snapshot: Uint8Array): boolean {
  const { view, bytes, latest, states, statesEnd, logs } = new BlockParts(region, limits);
  const logsStart = HEAD_BYTES + statesEnd - states;
  if (snapshot.length < logsStart) return false;
  const old = new DataView(snapshot.buffer, snapshot.byteOffset, snapshot.length);
  const counts = logs.map(({ state }) => old.getUint32(HEAD_BYTES + state - states + COUNT, true));
  const entries = counts.reduce((sum, count) => sum + count, 0);
  if (counts.some((count) => count > MAX_ENTRIES)) return false;
  if (snapshot.length !== logsStart + entries * ENTRY_BYTES) return false;
  bytes.set(snapshot.subarray(0, HEAD_BYTES), latest);
  bytes.set(snapshot.subarray(HEAD_BYTES, logsStart), states);
  let at = logsStart;
  logs.forEach(({ state, log }, i) => {
    view.setInt32(state + FIRST, 0, true);
    const end = at + counts[i]! * ENTRY_BYTES;
    bytes.set(snapshot.subarray(at, end), log);
    at = end;
  });
  return true;
}
