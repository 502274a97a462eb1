/**
 * Order between threads. Each thread serves its own waiters first come, first served. Between threads, a request takes
 * whenever there is room. But a waiter that has been passed over for GRACE publishes a claim, with its demand of each limit it
 * wants. From then on a later request of another thread passes only where that demand would still find room. (The mutexes of Go
 * keep newcomers back in "starvation mode".)
 *
 * A thread that does not run must not hold up the others. A claim that has not been renewed for PATIENCE is silent. A
 * request that nothing but silent claims holds back asks for their renewal. A claim that is not renewed within PATIENCE
 * after that is void until its renewal.
 */
import { demandAt, demandOf, plus } from "./demand";
import * as kinds from "./kinds";
import {
  CLAIM_BYTES,
  CLAIM_COUNT,
  CLAIMS,
  COMMONS,
  DEFINITION_BYTES,
  DEFINITIONS,
  DIMENSION_AT,
  FLAGS,
  LIMIT_FLAGS,
  LIMITS,
  OWNER,
  PARTICIPANT,
  PAUSED,
  PER,
  REFUSER,
  SEVERAL,
  SINCE,
  STATE,
  UNIT_BYTES,
  UNITS,
  UNTIL,
  WANTS,
} from "./layout";
import { askedIn } from "./partitions/table";
import { NEVER, wait } from "./time";

// Microseconds.
const GRACE: i64 = 10_000;
const PATIENCE: i64 = 50_000;

// Flags of a claim.
/** The waiter awaits a release. Nested requests pass it: the acquisition around them may be the one to be released. */
const AWAITS_RELEASE = 1;
/** Another thread has asked for the renewal of the claim. */
const ASKED = 2;
/** The claim takes one of the spare places, because its thread has a claim already. */
const SPARE = 4;

// Spare places, for all threads together.
const SPARES = 8;

/**
 * How many claims a block has room for: one for each thread, which no other thread can take from it, and some for threads
 * whose waiters want different limits. A waiter that finds no room makes its claim when an earlier one of its thread is
 * served.
 */
export function maxClaims(participants: i32): i32 {
  return participants + SPARES;
}

/** The size of a claim in a set of `limits` limits, of which threads share partitions of so many dimensions. */
export function claimBytes(limits: i32, dimensions: i32): i32 {
  return WANTS + (limits + dimensions) * UNIT_BYTES;
}

/** Copies the claims of a block. Their number is in the copy already. */
export function copy(region: usize, source: usize, target: usize): void {
  const from = first(region, source);
  memory.copy(first(region, target), from, end(region, source) - from);
}

/**
 * Returns until when older claims hold back a request that came at `came`, and that the limits of the staged block have granted:
 * 0 if no claim does. A limit holds it back if the demand of the claims, and that of the waiters before it in its own thread, would
 * find no room there any more. Notes these limits in WAITS and REFUSER, as a refusal by the limits themselves does.
 */
export function holdBack(
  region: usize,
  scratch: usize,
  block: usize,
  reading: i64,
  now: i64,
  came: i64,
  nested: bool,
  demands: i32,
): i64 {
  const last = end(region, block);
  const size = load<i32>(region + CLAIM_BYTES);
  const participant = load<i32>(scratch + PARTICIPANT);
  const count = load<i32>(region + LIMITS);
  let latest: i64 = 0;
  for (let i = 0; i < count; i++) {
    const units = scratch + UNITS + i * UNIT_BYTES;
    if (load<f64>(units) <= 0) continue;
    let until: i64 = 0;
    let demand: i64 = 0;
    for (let claim = first(region, block); claim < last; claim += size) {
      const wanted = demandAt(wants(claim, i));
      if (wanted === 0 || isVoid(claim, now) || !isBefore(claim, participant, came, nested)) continue;
      if (!isOfSame(region, claim, i)) continue;
      demand = plus(demand, wanted);
      until = max(until, isSilent(claim, now) ? now + PATIENCE : load<i64>(claim + UNTIL));
    }
    if (until === 0) continue;
    if (demands !== 0) demand = plus(demand, demandAt(units + demands));
    const definition = region + DEFINITIONS + i * DEFINITION_BYTES;
    // The request itself has been granted in this block.
    if (kinds.hasRoom(definition, block, scratch, now, demand)) continue;
    store<f64>(scratch + REFUSER, f64(latest === 0 ? i : SEVERAL));
    store<f64>(units + count * UNIT_BYTES, wait(reading, until));
    latest = max(latest, until);
  }
  return latest;
}

/** Whether there are claims in a block. */
export function stand(block: usize): bool {
  return !IS_ALONE && load<i32>(block + CLAIM_COUNT) !== 0;
}

/** Whether a request that was refused until `latest` may have a claim to make, or a renewal to ask for. */
export function isPressing(region: usize, now: i64, came: i64, latest: i64): bool {
  return load<i32>(region + CLAIMS) !== 0 && (now - came > GRACE || asks(now, latest));
}

/** Whether nothing but silent claims holds back a request that was refused until `latest`. */
export function asks(now: i64, latest: i64): bool {
  return latest === now + PATIENCE;
}

/**
 * Presses a request that came at `came` and was refused until `latest`. Makes or renews its claim, if it has been passed
 * over for GRACE. Asks for the renewal of silent claims, if nothing else holds it back. Returns whether the block has
 * changed.
 */
export function press(
  region: usize,
  scratch: usize,
  block: usize,
  now: i64,
  came: i64,
  nested: bool,
  latest: i64,
): bool {
  const participant = load<i32>(scratch + PARTICIPANT);
  const asking = asks(now, latest);
  const last = end(region, block);
  const size = load<i32>(region + CLAIM_BYTES);
  let changed = false;
  let own: usize = 0;
  let spare = 0;
  let spares = 0;
  for (let claim = first(region, block); claim < last; claim += size) {
    const flags = load<i32>(claim + FLAGS);
    if (flags & SPARE) spares++;
    else if (load<i32>(claim + OWNER) === participant) spare = SPARE;
    if (isOwn(claim, participant, came)) {
      // Another waiter of this thread, for other limits, may have come at the same moment.
      if (isFor(region, scratch, claim)) own = claim;
    } else if (
      asking &&
      isSilent(claim, now) &&
      isBefore(claim, participant, came, nested) &&
      meets(region, claim, scratch)
    ) {
      store<i32>(claim + FLAGS, flags | ASKED);
      store<i64>(claim + UNTIL, now + PATIENCE);
      changed = true;
    }
  }
  // A waiter behind a pause holds back no other: its claim is not renewed before the pause ends.
  if (now - came <= GRACE || isPaused(region, scratch, block, now)) return changed;
  if (own === 0) {
    if (spare && spares === SPARES) return changed;
    own = last;
    store<i32>(block + CLAIM_COUNT, load<i32>(block + CLAIM_COUNT) + 1);
  } else {
    spare = load<i32>(own + FLAGS) & SPARE;
  }
  const flags = spare | (latest === NEVER ? AWAITS_RELEASE : 0);
  if (own !== last && load<i32>(own + FLAGS) === flags && load<i64>(own + UNTIL) - now > PATIENCE / 2) {
    return changed;
  }
  store<i32>(own + OWNER, participant);
  store<i32>(own + FLAGS, flags);
  store<i64>(own + SINCE, came);
  store<i64>(own + UNTIL, now + PATIENCE);
  if (own === last) name(region, scratch, own);
  return true;
}

/**
 * Drops the claim of the participant's waiter that came at `came`; if that is 0, all claims of the participant. Returns
 * whether there were any.
 */
export function drop(region: usize, block: usize, participant: i32, came: i64): bool {
  const size = load<i32>(region + CLAIM_BYTES);
  let last = end(region, block);
  let dropped = false;
  for (let claim = first(region, block); claim < last; ) {
    if (isOwn(claim, participant, came)) {
      last -= size;
      memory.copy(claim, last, size);
      store<i32>(block + CLAIM_COUNT, load<i32>(block + CLAIM_COUNT) - 1);
      dropped = true;
    } else {
      claim += size;
    }
  }
  return dropped;
}

function first(region: usize, block: usize): usize {
  return block + load<i32>(region + CLAIMS);
}

function end(region: usize, block: usize): usize {
  return first(region, block) + load<i32>(block + CLAIM_COUNT) * load<i32>(region + CLAIM_BYTES);
}

/** The address of a claim's demand of limit `index`. */
function wants(claim: usize, index: i32): usize {
  return claim + WANTS + index * UNIT_BYTES;
}

/** The demand of limit `index` that the request in the scratch area makes. */
function demandFor(region: usize, scratch: usize, index: i32): f64 {
  return demandOf(region, index, load<f64>(scratch + UNITS + index * UNIT_BYTES));
}

/** Whether a limit of the request in the scratch area is paused. */
function isPaused(region: usize, scratch: usize, block: usize, now: i64): bool {
  for (let i = load<i32>(region + LIMITS) - 1; i >= 0; i--) {
    if (load<f64>(scratch + UNITS + i * UNIT_BYTES) <= 0) continue;
    const state = block + load<i32>(region + DEFINITIONS + i * DEFINITION_BYTES + STATE);
    if (load<i64>(state + PAUSED) > now) return true;
  }
  return false;
}

/** Whether a claim has just the demand of the request in the scratch area. */
function isFor(region: usize, scratch: usize, claim: usize): bool {
  const count = load<i32>(region + LIMITS);
  for (let i = 0; i < count; i++) {
    if (load<f64>(wants(claim, i)) !== demandFor(region, scratch, i)) return false;
  }
  for (let i = dimensionsOf(region) - 1; i >= 0; i--) {
    if (load<i64>(wants(claim, count + i)) !== hashIn(region, i)) return false;
  }
  return true;
}

/** Writes the demand of the request in the scratch area into a claim. */
function name(region: usize, scratch: usize, claim: usize): void {
  const count = load<i32>(region + LIMITS);
  for (let i = 0; i < count; i++) store<f64>(wants(claim, i), demandFor(region, scratch, i));
  for (let i = dimensionsOf(region) - 1; i >= 0; i--) store<i64>(wants(claim, count + i), hashIn(region, i));
}

/** Whether a claim wants one of the limits of the request in the scratch area. */
function meets(region: usize, claim: usize, scratch: usize): bool {
  const count = load<i32>(region + LIMITS);
  for (let i = 0; i < count; i++) {
    if (load<f64>(scratch + UNITS + i * UNIT_BYTES) <= 0 || load<f64>(wants(claim, i)) <= 0) continue;
    if (isOfSame(region, claim, i)) return true;
  }
  return false;
}

/** Whether a claim wants limit `index` in the partition that the request names. */
function isOfSame(region: usize, claim: usize, index: i32): bool {
  const flags = load<i32>(region + DEFINITIONS + index * DEFINITION_BYTES + LIMIT_FLAGS);
  const dimension = (flags >> DIMENSION_AT) - 1;
  if (dimension < 0 || load<i32>(region + COMMONS) === 0) return true;
  return load<i64>(wants(claim, load<i32>(region + LIMITS) + dimension)) === hashIn(region, dimension);
}

/** A word of the hash that the request names in a dimension: 0 if it names none. */
function hashIn(region: usize, dimension: i32): i64 {
  const per = load<usize>(region + PER);
  return per === 0 ? 0 : askedIn(per, dimension);
}

/** How many dimensions the claims of a region tell. */
function dimensionsOf(region: usize): i32 {
  return (load<i32>(region + CLAIM_BYTES) - WANTS) / UNIT_BYTES - load<i32>(region + LIMITS);
}

/** Whether a claim is one of another participant, and comes before a request that came at `came`. */
function isBefore(claim: usize, participant: i32, came: i64, nested: bool): bool {
  if (load<i32>(claim + OWNER) === participant) return false;
  if (nested && (load<i32>(claim + FLAGS) & AWAITS_RELEASE) !== 0) return false;
  return load<i64>(claim + SINCE) + GRACE < came;
}

function isOwn(claim: usize, participant: i32, came: i64): bool {
  return load<i32>(claim + OWNER) === participant && (came === 0 || load<i64>(claim + SINCE) === came);
}

/** Whether a claim was not renewed in time, and no thread has asked for its renewal yet. */
function isSilent(claim: usize, now: i64): bool {
  return load<i64>(claim + UNTIL) <= now && (load<i32>(claim + FLAGS) & ASKED) === 0;
}

/** Whether a claim was not renewed in time although a thread has asked for it. */
function isVoid(claim: usize, now: i64): bool {
  return load<i64>(claim + UNTIL) <= now && (load<i32>(claim + FLAGS) & ASKED) !== 0;
}
