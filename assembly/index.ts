/**
 * What JavaScript may call. `region` is where a set's region begins, `participant` the number of the calling thread
 * in it, `ms` a reading of its clock. Requests and answers go through the participant's scratch area: see layout.ts.
 */
import { advance, block, publish, readHead, setLatest, stage, unchanged } from "./commit";
import * as kinds from "./kinds";
import {
  BLOCK_BYTES,
  BLOCKS,
  CEILING,
  DEFINITION_BYTES,
  DEFINITIONS,
  KIND,
  LIMITS,
  LINE,
  LOG,
  LOGGED,
  MAX_PARTICIPANTS,
  PARTICIPANTS,
  RESOURCE,
  SCRATCH_BYTES,
  SCRATCHES,
  STATE,
  STATE_BYTES,
  STATES,
  TIME,
  TOKEN_BUCKET,
  UNIT_BYTES,
  UNITS,
  WAIT,
  WINDOW,
} from "./layout";
import { microseconds, wait } from "./time";

export { logBytes, stateBytes } from "./kinds";

/** Bytes of a region for `limits` limits, whose states and logs are of these sizes together. */
export function regionBytes(limits: i32, states: i32, logs: i32, participants: i32): i32 {
  return (
    DEFINITIONS +
    limits * DEFINITION_BYTES +
    participants * (scratchBytes(limits) + 2 * lines(STATES + states + logs))
  );
}

/** Lays out a region of zeroes. Its limits are defined next, in order. */
export function format(region: usize, limits: i32, states: i32, logs: i32, participants: i32): void {
  assert((region & (LINE - 1)) === 0, "a region begins at a cache line");
  assert(participants > 0 && participants <= MAX_PARTICIPANTS, "participants: 1 to MAX_PARTICIPANTS");
  const scratches = DEFINITIONS + limits * DEFINITION_BYTES;
  store<i32>(region + LIMITS, limits);
  store<i32>(region + PARTICIPANTS, participants);
  store<i32>(region + SCRATCHES, scratches);
  store<i32>(region + SCRATCH_BYTES, scratchBytes(limits));
  store<i32>(region + BLOCKS, scratches + participants * scratchBytes(limits));
  store<i32>(region + BLOCK_BYTES, lines(STATES + states + logs));
  store<i32>(region + STATE_BYTES, STATES + states);
  store<i32>(region + LOGGED, logs);
}

/** Defines limit `index`; `ceiling` and `capacity` in units, `window` in microseconds, `state` and `log` where the limits before it end. */
export function define(
  region: usize,
  index: i32,
  kind: i32,
  capacity: f64,
  ceiling: f64,
  window: f64,
  state: i32,
  log: i32,
): void {
  assert(index >= 0 && index < load<i32>(region + LIMITS), "no such limit in the region");
  assert(kind >= TOKEN_BUCKET && kind <= RESOURCE, "no such kind of limit");
  assert(capacity >= 1 && ceiling >= 1, "capacity and ceiling: 1 unit or more");
  const definition = definitionOf(region, index);
  store<i32>(definition + KIND, kind);
  store<i32>(definition + STATE, STATES + state);
  store<i32>(definition + LOG, load<i32>(region + STATE_BYTES) + log);
  store<i64>(definition + CEILING, i64(ceiling));
  store<i64>(definition + WINDOW, i64(window));
  kinds.define(definition, i64(capacity));
}

/** Where the scratch area of a participant begins. */
export function scratchOf(region: usize, participant: i32): usize {
  assert(
    participant >= 0 && participant < load<i32>(region + PARTICIPANTS),
    "no such participant in the region",
  );
  return region + load<i32>(region + SCRATCHES) + participant * load<i32>(region + SCRATCH_BYTES);
}

/** Takes the units of the request from all limits: true, and TIME is when; or false, nothing is taken, and WAIT and WAITS say how long. */
export function take(region: usize, participant: i32, ms: f64): bool {
  return attempt(region, participant, ms, true);
}

/** What `take` would answer now, without taking. */
export function probe(region: usize, participant: i32, ms: f64): bool {
  return attempt(region, participant, ms, false);
}

/** Settles the units of each limit: used beyond the request if positive, to be given back if negative; granted at `taken`. */
export function settle(region: usize, participant: i32, ms: f64, taken: f64): void {
  const units = scratchOf(region, participant) + UNITS;
  const count = load<i32>(region + LIMITS);
  const reading = microseconds(ms);
  while (true) {
    const head = readHead(region);
    const staged = stage(region, participant, head);
    const target = block(region, staged);
    const now = advance(target, reading);
    for (let i = 0; i < count; i++) {
      const amount = load<f64>(units + i * UNIT_BYTES);
      if (amount !== 0) {
        kinds.settle(definitionOf(region, i), target, participant, now, i64(amount), i64(taken));
      }
    }
    setLatest(target, now);
    if (publish(region, head, staged)) return;
  }
}

/** Reads all limits at one moment: UNITS is what is in use of each, WAITS how long one unit would have to wait. */
export function inspect(region: usize, participant: i32, ms: f64): void {
  const count = load<i32>(region + LIMITS);
  const units = scratchOf(region, participant) + UNITS;
  const waits = units + count * UNIT_BYTES;
  const reading = microseconds(ms);
  while (true) {
    const head = readHead(region);
    const target = block(region, stage(region, participant, head));
    if (!unchanged(region, head)) continue;
    const now = advance(target, reading);
    for (let i = 0; i < count; i++) {
      const definition = definitionOf(region, i);
      store<f64>(units + i * UNIT_BYTES, f64(kinds.used(definition, target, now)));
      const ready = kinds.take(definition, target, participant, now, 1);
      store<f64>(waits + i * UNIT_BYTES, ready === 0 ? 0 : wait(reading, ready));
    }
    return;
  }
}

function attempt(region: usize, participant: i32, ms: f64, publishing: bool): bool {
  const scratch = scratchOf(region, participant);
  const units = scratch + UNITS;
  const count = load<i32>(region + LIMITS);
  const waits = units + count * UNIT_BYTES;
  const reading = microseconds(ms);
  while (true) {
    const head = readHead(region);
    const staged = stage(region, participant, head);
    const target = block(region, staged);
    const now = advance(target, reading);
    let latest: i64 = 0;
    for (let i = 0; i < count; i++) {
      const amount = load<f64>(units + i * UNIT_BYTES);
      let ready: i64 = 0;
      if (amount > 0) {
        ready = kinds.take(definitionOf(region, i), target, participant, now, i64(amount));
        latest = max(latest, ready);
      }
      store<f64>(waits + i * UNIT_BYTES, ready === 0 ? 0 : wait(reading, ready));
    }
    if (latest === 0 && publishing) {
      setLatest(target, now);
      if (!publish(region, head, staged)) continue;
      store<f64>(scratch + TIME, f64(now));
      return true;
    }
    if (unchanged(region, head)) {
      store<f64>(scratch + WAIT, latest === 0 ? 0 : wait(reading, latest));
      return latest === 0;
    }
  }
}

function definitionOf(region: usize, index: i32): usize {
  return region + DEFINITIONS + index * DEFINITION_BYTES;
}

function scratchBytes(limits: i32): i32 {
  return lines(UNITS + 2 * limits * UNIT_BYTES);
}

function lines(bytes: i32): i32 {
  return (bytes + LINE - 1) & -LINE;
}
