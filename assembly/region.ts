/** Lays out the region of a set, once, before the first take. */
import { claimBytes, maxClaims } from "./claims";
import { begin } from "./head";
import * as kinds from "./kinds";
import {
  BLOCK_BYTES,
  BLOCKS,
  CALENDAR,
  CEILING,
  CLAIM_BYTES,
  CLAIMS,
  COMMONS,
  COUNT_WORDS,
  DEFINITION_BYTES,
  DEFINITIONS,
  HANDLES_BYTES,
  HOME,
  KIND,
  LIMIT_FLAGS,
  LIMITS,
  LINE,
  LOG,
  LOGGED,
  MAX_PARTICIPANTS,
  NUMBER,
  OWN,
  PARTICIPANT,
  PARTICIPANTS,
  PIECE,
  RECORDS,
  REGION,
  REPORT_AFTER,
  REPORT_WORDS,
  ROOM_BYTES,
  ROOMS,
  SCRATCH_BYTES,
  SCRATCHES,
  SEAT,
  SELF,
  STATE,
  STATE_BYTES,
  STATES,
  TOKEN_BUCKET,
  TOLD_BYTES,
  UNIT_BYTES,
  UNITS,
  WEIGHT,
  WINDOW,
} from "./layout";
import { commonsBytes, recordsBytes } from "./partitions/commons";
import { SEAT_BYTES } from "./seat";

/**
 * Returns the size of a region in bytes. `states` and `logs` are the sizes of all its states and of all its logs; `dimensions` is how many
 * there are of partitions that threads share.
 */
export function regionBytes(limits: i32, states: i32, logs: i32, participants: i32, dimensions: i32): f64 {
  // In 64 bits: many limits for many threads take more than 32 bits can count, and the caller has to be told.
  const each =
    i64(scratchBytes(limits)) + 2 * i64(blockBytes(limits, states, logs, participants, dimensions));
  return f64(
    i64(DEFINITIONS + limits * DEFINITION_BYTES + sharedBytes(participants)) + i64(participants) * each,
  );
}

/**
 * Lays out a region that is all zeroes. `seats` is the address of its participants' seats. `home` is the region that has the head,
 * which may be this one, and `number` is its number among the regions of that head. A `define` for each limit follows, in order.
 */
export function format(
  region: usize,
  limits: i32,
  states: i32,
  logs: i32,
  participants: i32,
  seats: usize,
  home: usize,
  number: i32,
  dimensions: i32,
): void {
  assert((region & (LINE - 1)) === 0, "a region begins at a cache line");
  assert(participants > 0 && participants <= MAX_PARTICIPANTS, "participants: 1 to MAX_PARTICIPANTS");
  const handles = DEFINITIONS + limits * DEFINITION_BYTES;
  const scratches = handles + sharedBytes(participants);
  store<usize>(region + HOME, home);
  store<usize>(region + SELF, region);
  store<i32>(region + NUMBER, number);
  store<i32>(region + ROOMS, handles + handleBytes(participants));
  store<i32>(region + LIMITS, limits);
  store<i32>(region + PARTICIPANTS, participants);
  store<i32>(region + SCRATCHES, scratches);
  store<i32>(region + SCRATCH_BYTES, scratchBytes(limits));
  store<i32>(region + BLOCKS, scratches + participants * scratchBytes(limits));
  store<i32>(region + BLOCK_BYTES, blockBytes(limits, states, logs, participants, dimensions));
  store<i32>(region + STATE_BYTES, stateEnd(states));
  store<i32>(region + LOGGED, logs);
  if (participants > 1) store<i32>(region + CLAIMS, stateEnd(states) + logs);
  store<i32>(region + CLAIM_BYTES, claimBytes(limits, dimensions));
  if (dimensions > 0) {
    const commons = claimsEnd(limits, states, logs, participants, dimensions);
    store<i32>(region + COMMONS, commons);
    store<i32>(region + RECORDS, commons + commonsBytes(limits, dimensions, participants));
  }
  const bytes = load<i32>(region + BLOCK_BYTES);
  for (let participant = 0; participant < participants; participant++) {
    const scratch = scratchOf(region, participant);
    const own = region + load<i32>(region + BLOCKS) + 2 * participant * bytes;
    store<i32>(scratch + PARTICIPANT, participant);
    store<usize>(scratch + SEAT, seats + participant * SEAT_BYTES);
    store<usize>(scratch + OWN, own);
    store<usize>(own + REGION, region);
    store<usize>(own + bytes + REGION, region);
  }
  if (home === region) begin(region, region + load<i32>(region + BLOCKS));
}

/**
 * Defines limit `index`. `capacity` and `ceiling` are in units, `window` is in microseconds; `state` and `log` are the sizes
 * of the states and the logs of the limits before it; `flags` are those of the definition.
 */
export function define(
  region: usize,
  index: i32,
  kind: i32,
  capacity: f64,
  ceiling: f64,
  window: f64,
  state: i32,
  log: i32,
  flags: i32,
): void {
  assert(index >= 0 && index < load<i32>(region + LIMITS), "no such limit in the region");
  assert(kind >= TOKEN_BUCKET && kind <= CALENDAR, "no such kind of limit");
  assert(capacity >= 1 && ceiling >= 1, "capacity and ceiling: 1 unit or more");
  const definition = region + DEFINITIONS + index * DEFINITION_BYTES;
  store<i32>(definition + KIND, kind);
  store<i32>(definition + LIMIT_FLAGS, flags);
  store<i32>(definition + STATE, STATES + state);
  store<i32>(definition + LOG, load<i32>(region + STATE_BYTES) + log);
  store<i64>(definition + CEILING, i64(ceiling));
  store<i64>(definition + WINDOW, i64(window));
  kinds.define(definition, i64(capacity));
  if (kind === CALENDAR)
    store<i64>(definition + WEIGHT, toldAt(load<i32>(region + LIMITS)) + index * TOLD_BYTES);
}

/** Returns the address of a participant's scratch area. */
export function scratchOf(region: usize, participant: i32): usize {
  assert(
    participant >= 0 && participant < load<i32>(region + PARTICIPANTS),
    "no such participant in the region",
  );
  return region + load<i32>(region + SCRATCHES) + participant * load<i32>(region + SCRATCH_BYTES);
}

function stateEnd(states: i32): i32 {
  return STATES + ((states + PIECE - 1) & -PIECE);
}

function blockBytes(limits: i32, states: i32, logs: i32, participants: i32, dimensions: i32): i32 {
  const shared =
    dimensions > 0 ? commonsBytes(limits, dimensions, participants) + recordsBytes(dimensions) : 0;
  return lines(claimsEnd(limits, states, logs, participants, dimensions) + shared);
}

function claimsEnd(limits: i32, states: i32, logs: i32, participants: i32, dimensions: i32): i32 {
  // A thread that is alone in its region keeps the order of its waiters by itself.
  const claims = participants > 1 ? maxClaims(participants) * claimBytes(limits, dimensions) : 0;
  return stateEnd(states) + logs + claims;
}

/** The size of all that only threads need. */
function sharedBytes(participants: i32): i32 {
  if (participants === 1) return 0;
  // A thread that is inside keeps three rooms from others at most: one that it uses, the one from which the partitions of that come, and one
  // in which it lays out a region. The present region keeps two.
  return handleBytes(participants) + lines((3 * participants + 2) * ROOM_BYTES);
}

function handleBytes(participants: i32): i32 {
  return (participants - 1) * HANDLES_BYTES;
}

function scratchBytes(limits: i32): i32 {
  return lines(toldAt(limits) + limits * TOLD_BYTES);
}

/** Where in a scratch area the windows of calendars begin. */
function toldAt(limits: i32): i32 {
  return UNITS + (REPORT_AFTER + REPORT_WORDS + COUNT_WORDS) * limits * UNIT_BYTES;
}

function lines(bytes: i32): i32 {
  return (bytes + LINE - 1) & -LINE;
}
