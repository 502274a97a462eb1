/**
 * Order between threads. Each thread serves its own waiters first come, first served. Between threads, a request takes
 * whenever there is room. But a waiter that has been passed over for GRACE publishes a claim to the limits it wants, and
 * from then on no later request of any thread passes it there. (The mutexes of Go do so in "starvation mode".)
 *
 * A thread that does not run must not hold up the others. A claim that has not been renewed for PATIENCE is silent. A
 * request that nothing but silent claims holds back asks for their renewal. A claim that is not renewed within PATIENCE
 * after that is void until its renewal.
 */
import {
  CLAIM_BYTES,
  CLAIM_COUNT,
  CLAIMS,
  FLAGS,
  LIMITS,
  OWNER,
  PARTICIPANT,
  REFUSER,
  SEVERAL,
  SINCE,
  UNIT_BYTES,
  UNITS,
  UNTIL,
  WANTS,
  WANTS_BITS,
} from "./layout";
import { NEVER } from "./time";

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

/** The size of a claim in a set of `limits` limits. */
export function claimBytes(limits: i32): i32 {
  return WANTS + ((limits + WANTS_BITS - 1) / WANTS_BITS) * (WANTS_BITS / 8);
}

/** Copies the claims of a block. Their number is in the copy already. */
export function copy(region: usize, source: usize, target: usize): void {
  const from = first(region, source);
  memory.copy(first(region, target), from, end(region, source) - from);
}

/**
 * Returns until when older claims hold back a request that came at `came`: 0 if none does. Marks the claimed limits in
 * WAITS and REFUSER, as a refusal by the limits themselves does.
 */
export function holdBack(
  region: usize,
  scratch: usize,
  block: usize,
  now: i64,
  came: i64,
  nested: bool,
): i64 {
  const last = end(region, block);
  const size = load<i32>(region + CLAIM_BYTES);
  let latest: i64 = 0;
  for (let claim = first(region, block); claim < last; claim += size) {
    if (isVoid(claim, now) || !precedes(region, claim, scratch, came, nested)) continue;
    const until = isSilent(claim, now) ? now + PATIENCE : load<i64>(claim + UNTIL);
    mark(region, scratch, claim, until);
    latest = max(latest, until);
  }
  return latest;
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
    } else if (asking && isSilent(claim, now) && precedes(region, claim, scratch, came, nested)) {
      store<i32>(claim + FLAGS, flags | ASKED);
      store<i64>(claim + UNTIL, now + PATIENCE);
      changed = true;
    }
  }
  if (now - came <= GRACE) return changed;
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

/** Whether a claim wants limit `index`. */
function wants(claim: usize, index: i32): bool {
  return ((load<u8>(claim + WANTS + (index >> 3)) >> (index & 7)) & 1) !== 0;
}

/** Whether the request in the scratch area wants limit `index`. */
function asksFor(scratch: usize, index: i32): bool {
  return load<f64>(scratch + UNITS + index * UNIT_BYTES) > 0;
}

/** Whether a claim is for just the limits of the request in the scratch area. */
function isFor(region: usize, scratch: usize, claim: usize): bool {
  const count = load<i32>(region + LIMITS);
  for (let i = 0; i < count; i++) if (wants(claim, i) !== asksFor(scratch, i)) return false;
  return true;
}

/** Writes the limits of the request in the scratch area into a claim. */
function name(region: usize, scratch: usize, claim: usize): void {
  memory.fill(claim + WANTS, 0, load<i32>(region + CLAIM_BYTES) - WANTS);
  const count = load<i32>(region + LIMITS);
  for (let i = 0; i < count; i++) {
    if (!asksFor(scratch, i)) continue;
    const at = claim + WANTS + (i >> 3);
    store<u8>(at, load<u8>(at) | ((1 as u8) << ((i & 7) as u8)));
  }
}

/** Marks those limits of the request in the scratch area that a claim wants as refused until `until`. */
function mark(region: usize, scratch: usize, claim: usize, until: i64): void {
  const count = load<i32>(region + LIMITS);
  let refuser = -1;
  for (let i = 0; i < count; i++) {
    const wait = scratch + UNITS + (count + i) * UNIT_BYTES;
    if (asksFor(scratch, i) && wants(claim, i)) store<i64>(wait, max(load<i64>(wait), until));
    if (load<i64>(wait) !== 0) refuser = refuser < 0 ? i : SEVERAL;
  }
  store<f64>(scratch + REFUSER, f64(refuser));
}

/** Whether a claim of another participant comes before the request in the scratch area, which came at `came`. */
function precedes(region: usize, claim: usize, scratch: usize, came: i64, nested: bool): bool {
  if (load<i32>(claim + OWNER) === load<i32>(scratch + PARTICIPANT)) return false;
  if (nested && (load<i32>(claim + FLAGS) & AWAITS_RELEASE) !== 0) return false;
  if (load<i64>(claim + SINCE) + GRACE >= came) return false;
  const count = load<i32>(region + LIMITS);
  for (let i = 0; i < count; i++) if (asksFor(scratch, i) && wants(claim, i)) return true;
  return false;
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
