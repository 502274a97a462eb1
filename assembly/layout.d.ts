/**
 * Every offset in linear memory, and only here. Whole-number constants, so that both compilers fold them: the core
 * and the bridge in `src/core` read this same file. Offsets are in bytes.
 *
 * ```
 * region   one LimitSet                                     written by
 * +--------------------------------------------------------+
 * |   0  HEAD      i64  version << 16 | block index         | commit.ts, by compare-and-swap
 * |   8  WAKE      i32  changes whenever something came back | whoever gives back
 * |  12  SLEEPERS  i32  how many threads sleep on WAKE      | who goes to sleep
 * +-- 64 --------------------------------------------------+
 * |      shape: counts, sizes and offsets of this region    | format, once
 * +-- 128 -------------------------------------------------+
 * |      definitions, one cache line a limit                | define, once a limit
 * +--------------------------------------------------------+
 * |      scratch of participant 0, 1, ...                   | its participant, and JavaScript there
 * +--------------------------------------------------------+
 * |      blocks 0, 1 of participant 0; 2, 3 of 1; ...       | its participant, while it is not the head
 * +--------------------------------------------------------+
 *
 * block    one version of the state of all limits
 * +--------------------------------------------------------+
 * |  LATEST i64, the latest time committed, in microseconds |
 * |  state of limit 0, 1, ...              (always copied)  |
 * |  log of each sliding window            (live part only) |
 * +--------------------------------------------------------+
 *
 * scratch  one request, one answer
 * +--------------------------------------------------------+
 * |  WAIT f64 ms   TIME f64 us                              | core
 * |  UNITS f64, one a limit: the request; or units in use   | JavaScript; or core
 * |  WAITS f64 ms, one a limit: 0 where the limit agrees    | core
 * +--------------------------------------------------------+
 * ```
 */
export declare const TOKEN_BUCKET = 0;
export declare const GCRA = 1;
export declare const LEAKY_BUCKET = 2;
export declare const SLIDING_WINDOW = 3;
export declare const FIXED_WINDOW = 4;
export declare const RESOURCE = 5;
export declare const LINE = 64;
export declare const HEAD = 0;
export declare const WAKE = 8;
export declare const SLEEPERS = 12;
export declare const LIMITS = 64;
export declare const PARTICIPANTS = 68;
export declare const SCRATCHES = 72;
export declare const SCRATCH_BYTES = 76;
export declare const BLOCKS = 80;
export declare const BLOCK_BYTES = 84;
export declare const STATE_BYTES = 88;
export declare const LOGGED = 92;
export declare const DEFINITIONS = 128;
export declare const KIND = 0;
/** Where in a block the limit's state begins. */
export declare const STATE = 4;
/** Where in a block the log of a sliding window begins. */
export declare const LOG = 8;
/** A debt's clock ticks every 2^SHIFT microseconds. */
export declare const SHIFT = 12;
/** The most that can be taken at once, in units: the capacity, or the burst of a GCRA. */
export declare const CEILING = 16;
/** Microseconds. */
export declare const WINDOW = 24;
/** Debt that one unit makes. */
export declare const WEIGHT = 32;
/** Debt that leaks out in one tick. */
export declare const RATE = 40;
/** Debt of a full bucket: CEILING x WEIGHT. */
export declare const FULL = 48;
/** After more ticks than this any debt has leaked out. */
export declare const IDLE = 56;
export declare const DEFINITION_BYTES = 64;
export declare const INDEX_BITS = 16;
export declare const INDEX_MASK = 65535;
export declare const LATEST = 0;
export declare const STATES = 8;
export declare const AT = 0;
export declare const DEBT = 8;
export declare const MARK_COUNT = 16;
export declare const MARKS = 24;
export declare const MARK_TIME = 0;
export declare const MARK_LOW = 8;
export declare const MARK_BYTES = 16;
export declare const MAX_MARKS = 4;
export declare const DEBT_BYTES = 88;
export declare const SUM = 0;
export declare const FIRST = 8;
export declare const COUNT = 12;
export declare const SLIDING_BYTES = 16;
export declare const ENTRY_TIME = 0;
export declare const ENTRY_AMOUNT = 8;
export declare const ENTRY_BYTES = 16;
export declare const MAX_ENTRIES = 128;
export declare const LOG_BYTES = 2048;
export declare const NUMBER = 0;
export declare const USED_IN_WINDOW = 8;
export declare const FIXED_BYTES = 16;
export declare const IN_USE = 0;
export declare const HELD = 8;
export declare const HELD_BYTES = 8;
export declare const WAIT = 0;
export declare const TIME = 8;
export declare const UNITS = 16;
export declare const UNIT_BYTES = 8;
//# sourceMappingURL=layout.d.ts.map
