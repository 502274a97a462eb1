/**
 * Every offset in linear memory, in bytes, and only here. They are whole-number constants, so that both compilers fold
 * them: the core and the code in `src/` read this same file.
 *
 * ```
 * region   one LimitSet                                     written by
 * +--------------------------------------------------------+
 * |   0  HEAD      i64  version << 26 | block address >> 6  | commit.ts, by compare-and-swap
 * |   8  WAKE      i32  changes when sleepers are woken     | wake.ts
 * |  12  SLEEPERS  i32  1: a thread may sleep on WAKE       | the thread that goes to sleep; wake.ts
 * |  16  PRESENT   i32  number of the present generation    | by compare-and-swap, after the head
 * |  20  COMMONS, DESKS, DESK_BYTES, SELF i32               | once
 * +-- 64 --------------------------------------------------+
 * |      shape: counts, sizes and offsets of this region    | format, once
 * +-- 128 -------------------------------------------------+
 * |      definitions, one cache line a limit                | define, once a limit
 * +--------------------------------------------------------+
 * |      handles, in a region that threads share            | src/threads/handles.ts
 * +--------------------------------------------------------+
 * |      the list of rooms, likewise                        | src/threads/rooms.ts
 * +--------------------------------------------------------+
 * |      scratch of participant 0, 1, ...                   | its participant
 * +--------------------------------------------------------+
 * |      blocks 0, 1 of participant 0; 2, 3 of 1; ...       | its participant, while it is not the head
 * +--------------------------------------------------------+
 * |      the text of the definitions, where threads share   | src/core/text.ts, once
 * +--------------------------------------------------------+
 *
 * block    one version of the state of all limits
 * +--------------------------------------------------------+
 * |  REGION i32, the address of the region it belongs to    | format, once
 * |  CLAIM_COUNT i32, how many claims the block has         |
 * |  LATEST i64, the latest time published, in microseconds |
 * |  RESET_AT i64, the microsecond after the latest reset   |
 * |  record and state of limit 0, 1, ...   (always copied)  |
 * |  log of each sliding window            (live part only) |
 * |  claims of waiters, among threads      (live part only) |
 * |  commons of partitions, and records, among threads      |
 * +--------------------------------------------------------+
 *
 * scratch  one participant: its request, the core's answer
 * +--------------------------------------------------------+
 * |  PARTICIPANT, OWN, SEAT i32: number, blocks, seat       | format, once
 * |  SHIFT, AHEAD i64, set's time less the two clocks'      | core
 * |  REFUSER f64, which refused; REPEATS f64, of transactions| core
 * |  UNITS f64, one a limit: the request; or units in use   | JavaScript; or core
 * |  WAITS f64, one a limit: 0 where the limit agrees       | core
 * |  DEMAND f64, one a limit: for the waiters before it     | JavaScript
 * |  REPORT, COUNTS, one a limit: its totals                | core
 * |  the windows of calendars, TOLD_BYTES a limit           | JavaScript
 * +--------------------------------------------------------+
 * ```
 */

/** Grows with each change to the states and the logs of a block. Durable Objects keep these, and read older ones by older-states.ts. */
export const FORMAT = 4;
/** Grows with each change to this file: threads that read memory in different ways must not share it. */
export const SHARED_FORMAT = 11;

// Kinds of limit.
export const TOKEN_BUCKET = 0;
export const GCRA = 1;
export const LEAKY_BUCKET = 2;
export const SLIDING_WINDOW = 3;
export const FIXED_WINDOW = 4;
export const RESOURCE = 5;
// Kinds whose debts have two words, since a full bucket does not fit one: see numbers.ts.
/** A token bucket or a GCRA. */
export const WIDE_BUCKET = 6;
export const WIDE_LEAKY_BUCKET = 7;
/** A rate of infinite capacity, which has no state; and a fixed window whose windows are those of a calendar. */
export const UNLIMITED = 8;
export const CALENDAR = 9;

// What a transaction does.
export const TAKE = 0;
export const PROBE = 1;
export const SETTLE = 2;
export const INSPECT = 3;
/** Added to TAKE, PROBE or INSPECT: waiters stand before the request, and DEMAND counts. */
export const AFTER = 4;
/** An action without what is added to it. */
export const ACTION = 3;
/** Added to TAKE: a refusal is the last word, and counts as such. Added to INSPECT: REPORT is wanted too. */
export const COUNTED = 8;
// What a change does.
export const PAUSE = 0;
export const RESUME = 1;
export const LOWER = 2;
export const RESET = 3;

/** In WAITS: the limit would have refused, and let the request pass. */
export const LET_PASS = -1;

// What carries over where a limit is defined anew: see inherit.ts.
/** What is used stays used. */
export const INHERIT_USED = 0;
/** What is available stays available. */
export const INHERIT_AVAILABLE = 1;
/** The share that is used stays the same. */
export const INHERIT_PROPORTIONAL = 2;
/** Nothing but resources in use. */
export const INHERIT_FRESH = 3;

/** More than one limit refused. */
export const SEVERAL = -1;

// A cache line: words that different threads write must not share one.
export const LINE = 64;

// Region.
export const HEAD = 0;
export const WAKE = 8;
export const SLEEPERS = 12;
export const PRESENT = 16;
/** Where in a block the commons of the partitions begin, and behind them the records; 0 where threads share no partitions. */
export const COMMONS = 20;
/** The desk of participant 0, and how far it is from one desk to the next: see partitions/desk.ts. */
export const DESKS = 24;
export const DESK_BYTES = 28;
/** In a desk, the partitions as its participant sees them; 0 in a region. */
export const PER = 32;
/** The address of the region itself. */
export const SELF = 36;
/** Where in a block the records begin. */
export const RECORDS = 40;
// In a desk only.
export const DESK_SCRATCH = 44;
/** What the present transaction does, and of which dimensions it settles a grant from the shared state. */
export const WHAT = 48;
export const OWED = 52;
/** The clock's reading of the present transaction. */
export const READING = 56;
export const LIMITS = 64;
export const PARTICIPANTS = 68;
export const SCRATCHES = 72;
export const SCRATCH_BYTES = 76;
export const BLOCKS = 80;
export const BLOCK_BYTES = 84;
export const STATE_BYTES = 88;
export const LOGGED = 92;
/** Where in a block the claims begin; 0 in a region of one participant, which has none. */
export const CLAIMS = 96;
/** Tells apart the regions that follow each other at one address. */
export const SERIAL = 100;
/** The size of a claim, which has a demand for each limit. */
export const CLAIM_BYTES = 104;
/** The address of the region that has the head. */
export const HOME = 108;
/** How often the set was redefined before this region, since threads share it: PRESENT is that of the region that has the present block. */
export const NUMBER = 112;
/** Where in a region that threads share the list of rooms begins. */
export const ROOMS = 116;
/** The text of the definitions: where it begins in the region, and its length in bytes. */
export const TEXT = 120;
export const TEXT_BYTES = 124;
export const DEFINITIONS = 128;

// Definition of a limit.
export const KIND = 0;
/** Where in a block the limit's state begins. */
export const STATE = 4;
/** Where in a block the log of a sliding window begins. */
export const LOG = 8;
export const LIMIT_FLAGS = 12;
/** The most that can be taken at once, in units: the capacity, or the burst of a GCRA. */
export const CEILING = 16;
/** Microseconds. Of a calendar: those of its shortest window. */
export const WINDOW = 24;
/** Debt that one unit makes. Of a calendar: where in a scratch area the window begins that the caller has told. */
export const WEIGHT = 32;
/** Debt that leaks out in one microsecond. */
export const RATE = 40;
/** Debt of a full bucket: CEILING x WEIGHT. It means nothing for a wide limit. */
export const FULL = 48;
/** After more microseconds than this any debt has leaked out. */
export const IDLE = 56;
export const DEFINITION_BYTES = 64;

// The flags of a definition.
/** The limit is a shadow: it counts, and refuses nothing. */
export const SHADOW = 1;
/** Above the flags: the number of the limit's dimension, plus 1; 0 for a limit of all. */
export const DIMENSION_AT = 8;

// Place for a handle.
/** How often the place has been used, and whether its present handle is good. */
export const ISSUE = 0;
/** How far the worker to which the handle was posted has come with its lock; above that the count of ISSUE. */
export const GUARD = 4;
/** The handle by which the thread attached that posted this handle to its worker: the worker ends with that thread. */
export const PARENT = 8;
/** The platform's id of that thread, plus 1; 0 where the handle was not posted. */
export const PARENT_THREAD = 12;
/** The platform's id of the worker to which the handle was posted, plus 1; 0 where it is not known. */
export const WORKER = 16;
export const HANDLE_BYTES = 32;
/** Behind the definitions, four places for each participant but the first. */
export const HANDLES_BYTES = 4 * HANDLE_BYTES;

// Room: memory for a region of a set that has been redefined.
/** i64: how often the room has been taken, and below that the participant that is just laying out a region in it, plus 1. */
export const ROOM_STATE = 0;
/** The address of the room's memory; 0 if it has none yet. */
export const ROOM_ADDRESS = 8;
export const ROOM_SIZE = 12;
export const ROOM_BYTES = 16;

export const MAX_PARTICIPANTS = 32768;

// Head word: the version, above the address of the present block in cache lines.
export const LINE_BITS = 6;
export const VERSION_AT = 32 - LINE_BITS;

// Block.
export const REGION = 0;
export const CLAIM_COUNT = 4;
export const LATEST = 8;
/** The microsecond after the latest reset, or 0: see time.ts. */
export const RESET_AT = 16;
export const STATES = 32;
/** States are copied in pieces of this size. */
export const PIECE = 32;

// Claim of a waiter; those of a block are in no order.
/** Which participant's waiter it is. */
export const OWNER = 0;
export const FLAGS = 4;
/** When the waiter came. */
export const SINCE = 8;
/** Until when the claim needs no renewal. */
export const UNTIL = 16;
/**
 * The demand of the waiter, one number a limit: 0 where it does not want the limit. Behind these, for each dimension, a word of the hash
 * of its name there.
 */
export const WANTS = 24;

// Record of a limit, with which its state begins, whatever its kind.
/** Nothing passes before this microsecond. */
export const PAUSED = 0;
/** Requests, and those of them that a shadow let pass. Then units. */
export const GRANTED = 8;
export const WOULD_REFUSE = 16;
export const REFUNDED = 24;
export const CHARGED = 32;
export const RECORD_BYTES = 40;

// State of a debt: token bucket, GCRA, leaky bucket. The debt and the low of a mark are numbers of one word, or of two in wide
// kinds: what follows them is so much further on.
export const AT = RECORD_BYTES;
export const DEBT = AT + 8;
/** From the end of the debt. */
export const MARK_COUNT = 0;
/** From the end of the debt. A mark is its stamp, and the low behind it. */
export const MARKS = 8;
export const MARK_STAMP = 0;
export const MARK_LOW = 8;
export const MAX_MARKS = 4;
const WORD = 8;
export const DEBT_BYTES = DEBT + WORD + MARKS + MAX_MARKS * (MARK_LOW + WORD);
export const WIDE_BYTES = DEBT + 2 * WORD + MARKS + MAX_MARKS * (MARK_LOW + 2 * WORD);

// State of a sliding window; its log lies at the end of the block.
export const SUM = RECORD_BYTES;
export const FIRST = SUM + 8;
export const COUNT = SUM + 12;
export const SLIDING_BYTES = SUM + 16;
export const ENTRY_TIME = 0;
export const ENTRY_AMOUNT = 8;
export const ENTRY_BYTES = 16;
export const MAX_ENTRIES = 128;
export const LOG_BYTES = MAX_ENTRIES * ENTRY_BYTES;

// State of a fixed window.
/** The end of the window in the set's time. */
export const WINDOW_END = RECORD_BYTES;
export const USED_IN_WINDOW = WINDOW_END + 8;
export const FIXED_BYTES = WINDOW_END + 16;

// State of a calendar: that of a fixed window, then the stamp of when its count began. An end that is not known is below 0: see calendar.ts.
export const BEGAN = WINDOW_END + 16;
export const CALENDAR_BYTES = WINDOW_END + 24;

// State of a resource, then the units that each participant holds of it.
export const IN_USE = RECORD_BYTES;
export const HELD = IN_USE + 8;
export const HELD_BYTES = 8;

// Scratch.
export const PARTICIPANT = 0;
export const OWN = 4;
export const SEAT = 8;
/** Microseconds that are added to the readings of the participant's clock: see time.ts. */
export const SHIFT = 16;
/** Microseconds by which the set's time is ahead of the participant's wall clock. */
export const AHEAD = 24;
export const REFUSER = 32;
export const REPEATS = 40;
export const UNITS = 48;
export const UNIT_BYTES = 8;
/** How many arrays of one number a limit stand before the reports. */
export const REPORT_AFTER = 3;

// Report of a limit: floating point. The counts of its record from GRANTED on, COUNTS of all participants, milliseconds until it is full.
export const RECORD_COUNTS = 4;
export const REPORTED_COUNTS = 4;
export const REPORTED_FULL = 7;
export const REPORT_WORDS = 8;

// Counts of a participant, behind the reports: how its requests ended that wanted the limit. The participants after it count on.
export const REFUSED = 0;
export const TIMED_OUT = 1;
export const ABORTED = 2;
export const COUNT_WORDS = 3;

// The window of a calendar that the caller has told, in microseconds of its wall clock: its start, then its end.
export const TOLD_END = 8;
export const TOLD_BYTES = 16;
