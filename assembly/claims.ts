/**
 * Order between threads. Each thread serves its own waiters first come, first served. Between threads, whoever asks while
 * there is room takes; but a waiter that has been passed over for GRACE claims the limits it wants, and from then on
 * nobody who came later passes it there, in whatever thread. (So do the mutexes of Go, in "starvation mode".)
 *
 * A thread that does not run must not hold up the others: whoever could go but for a claim that has not been renewed for
 * PATIENCE asks for a sign of life, and a claim not renewed within PATIENCE of that is void until it is.
 */
import {
  CLAIM_BYTES,
  CLAIM_COUNT,
  CLAIMS,
  FLAGS,
  LIMITS,
  OWNER,
  PARTICIPANT,
  PARTICIPANTS,
  REFUSER,
  SEVERAL,
  SINCE,
  UNIT_BYTES,
  UNITS,
  UNTIL,
  WANTS,
} from "./layout";
import { NEVER } from "./time";

// Microseconds.
const GRACE: i64 = 10_000;
const PATIENCE: i64 = 50_000;

// Flags of a claim.
/** The waiter waits for a release: nested requests pass it, since that may be theirs to make. */
const AWAITS_RELEASE = 1;
/** Somebody has asked for a sign of life. */
const ASKED = 2;

/** One for each thread, and some for those whose waiters want different limits; beyond that, waiters have to do without. */
export function maxClaims(participants: i32): i32 {
  return participants + 8;
}

/** Only the live ones; their number has been copied. */
export function copy(region: usize, source: usize, target: usize): void {
  const from = first(region, source);
  memory.copy(first(region, target), from, end(region, source) - from);
}

/**
 * Whether older claims hold back a request that came at `came`: 0, or when it may ask again. Marks the limits in WAITS and
 * REFUSER, as a refusal by the limits themselves does.
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
  const wants = wantsOf(region, scratch);
  let latest: i64 = 0;
  for (let claim = first(region, block); claim < last; claim += CLAIM_BYTES) {
    if (!precedes(claim, scratch, wants, came, nested) || isVoid(claim, now)) continue;
    const until = isSilent(claim, now) ? now + PATIENCE : load<i64>(claim + UNTIL);
    mark(region, scratch, load<i64>(claim + WANTS), until);
    latest = max(latest, until);
  }
  return latest;
}

/** Whether a request that was refused until `latest` may have something to claim, or somebody to ask. */
export function isPressing(region: usize, now: i64, came: i64, latest: i64): bool {
  return load<i32>(region + CLAIMS) !== 0 && (now - came > GRACE || asks(now, latest));
}

/** Whether nothing but a silent claim holds back a request that was refused until `latest`. */
export function asks(now: i64, latest: i64): bool {
  return latest === now + PATIENCE;
}

/**
 * For a request that came at `came` and was refused until `latest`: once it has been passed over for long, makes or renews
 * its claim; where nothing but silent claims holds it back, asks them for a sign of life. Tells whether that changed
 * anything.
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
  const wants = wantsOf(region, scratch);
  const flags = latest === NEVER ? AWAITS_RELEASE : 0;
  const asking = asks(now, latest);
  const last = end(region, block);
  let changed = false;
  let own: usize = 0;
  for (let claim = first(region, block); claim < last; claim += CLAIM_BYTES) {
    if (isOwn(claim, load<i32>(scratch + PARTICIPANT), came)) {
      // Waiters for other limits may have come at the same moment.
      if (load<i64>(claim + WANTS) === wants) own = claim;
    } else if (asking && precedes(claim, scratch, wants, came, nested) && isSilent(claim, now)) {
      store<i32>(claim + FLAGS, load<i32>(claim + FLAGS) | ASKED);
      store<i64>(claim + UNTIL, now + PATIENCE);
      changed = true;
    }
  }
  if (now - came <= GRACE) return changed;
  if (own === 0) {
    const count = load<i32>(block + CLAIM_COUNT);
    if (count === maxClaims(load<i32>(region + PARTICIPANTS))) return changed;
    own = last;
    store<i32>(block + CLAIM_COUNT, count + 1);
  } else if (load<i32>(own + FLAGS) === flags && load<i64>(own + UNTIL) - now > PATIENCE / 2) {
    return changed;
  }
  store<i32>(own + OWNER, load<i32>(scratch + PARTICIPANT));
  store<i32>(own + FLAGS, flags);
  store<i64>(own + SINCE, came);
  store<i64>(own + UNTIL, now + PATIENCE);
  store<i64>(own + WANTS, wants);
  return true;
}

/**
 * Drops the claim of a participant's waiter that came at `came`, or all its claims where that is 0. Tells whether there
 * were any.
 */
export function drop(region: usize, block: usize, participant: i32, came: i64): bool {
  let last = end(region, block);
  let dropped = false;
  for (let claim = first(region, block); claim < last; ) {
    if (isOwn(claim, participant, came)) {
      last -= CLAIM_BYTES;
      memory.copy(claim, last, CLAIM_BYTES);
      store<i32>(block + CLAIM_COUNT, load<i32>(block + CLAIM_COUNT) - 1);
      dropped = true;
    } else {
      claim += CLAIM_BYTES;
    }
  }
  return dropped;
}

function first(region: usize, block: usize): usize {
  return block + load<i32>(region + CLAIMS);
}

function end(region: usize, block: usize): usize {
  return first(region, block) + load<i32>(block + CLAIM_COUNT) * CLAIM_BYTES;
}

/** The limits of a request, as WANTS has them. */
function wantsOf(region: usize, scratch: usize): i64 {
  const count = load<i32>(region + LIMITS);
  let wants: i64 = 0;
  for (let i = 0; i < count; i++) {
    if (load<f64>(scratch + UNITS + i * UNIT_BYTES) > 0) wants |= 1 << (i64(i) & 63);
  }
  return wants;
}

/** Marks those limits of a request that are among `claimed` as refused until `until`. */
function mark(region: usize, scratch: usize, claimed: i64, until: i64): void {
  const count = load<i32>(region + LIMITS);
  let refuser = -1;
  for (let i = 0; i < count; i++) {
    const units = scratch + UNITS + i * UNIT_BYTES;
    const wait = units + count * UNIT_BYTES;
    if (load<f64>(units) > 0 && (claimed >> (i64(i) & 63)) & 1) store<i64>(wait, max(load<i64>(wait), until));
    if (load<i64>(wait) !== 0) refuser = refuser < 0 ? i : SEVERAL;
  }
  store<f64>(scratch + REFUSER, f64(refuser));
}

/** Whether a claim stands before another participant's request that came at `came`. */
function precedes(claim: usize, scratch: usize, wants: i64, came: i64, nested: bool): bool {
  if ((load<i64>(claim + WANTS) & wants) === 0) return false;
  if (load<i32>(claim + OWNER) === load<i32>(scratch + PARTICIPANT)) return false;
  if (nested && (load<i32>(claim + FLAGS) & AWAITS_RELEASE) !== 0) return false;
  return load<i64>(claim + SINCE) + GRACE < came;
}

function isOwn(claim: usize, participant: i32, came: i64): bool {
  return load<i32>(claim + OWNER) === participant && (came === 0 || load<i64>(claim + SINCE) === came);
}

/** Whether a claim has not been renewed in time, and nobody has asked yet. */
function isSilent(claim: usize, now: i64): bool {
  return load<i64>(claim + UNTIL) <= now && (load<i32>(claim + FLAGS) & ASKED) === 0;
}

/** Whether a claim has not been renewed although somebody has asked. */
function isVoid(claim: usize, now: i64): bool {
  return load<i64>(claim + UNTIL) <= now && (load<i32>(claim + FLAGS) & ASKED) !== 0;
}
