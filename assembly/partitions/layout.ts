/**
 * Every offset in the partitions of a set, in bytes. They lie in memory of their own, which is reserved when the set is made: what was
 * never used of it was never touched.
 *
 * ```
 * partitions of one set
 * +--------------------------------------------------------+
 * |      key, pool of chunks, name that is being hashed     |
 * |  REQUEST, one a dimension: which partition is meant     | JavaScript
 * |  tables, one a dimension                                | the core; sizes and addresses: src/core/partitions.ts, once
 * |  parts: for each tier of a dimension, one a limit       | enlist, once
 * |  the passage from the partitions before                 | the core; the plan of it: src/core/partitions.ts
 * |  places of each table, in lines of 8                    |
 * |  nodes of each table                                    |
 * |  chunks, and for each the number of the next            |
 * +--------------------------------------------------------+
 *
 * place    version 32 bits | tag 8 bits | node 24 bits          0: vacant
 * node     HASH, which tier, how far it has followed; then for each limit its pause, the words of its state, and one item
 * chunk    further items of a limit: marks of a debt, or entries of a log
 * ```
 *
 * The words of a state are those of a block, from RECORD_BYTES on: so the algorithms read a node as it is. The totals of the record are
 * those of all partitions together, and stand in the block only.
 */
// Words of a region that threads share, where a desk has WHAT and OWED: the region from which its partitions come, or 0; and the last of its
// blocks that was the present one, once another region follows.
export const FROM = 48;
export const LAST = 52;

// Partitions.
/** Two words, drawn at random. */
export const KEY = 0;
export const DIMENSIONS = 16;
export const TABLES = 20;
/** Of which dimensions the last request meant the shared state, one bit each: floating point. A settlement is told those of its grant. */
export const SHARED_TAKEN = 24;
/** How often all partitions have been changed together. */
export const EPOCH = 32;
/** The epoch of the latest move of the wall clock, and the time of the set then. */
export const MOVED_EPOCH = 36;
export const MOVED_AT = 40;
/** The pool of chunks: where they begin, where the numbers of the next begin, how many there are, and how many were ever used. */
export const CHUNKS = 48;
export const LINKS = 52;
export const CHUNK_COUNT = 56;
export const CHUNKS_USED = 60;
/** The first of the chunks that were given back; 0 if there is none. */
export const CHUNK_FREE = 64;
/** Among threads: room as large as a block. */
export const TEMPORARY = 68;
/** Among threads, in place of CHUNKS and LINKS: how many bytes have a bit for each participant; and where the staged block has those of PINNING. */
export const PIN_BYTES = 48;
export const PINNING_AT = 52;
/** The hash of a name, while it is made: its length so far, and four words. */
export const LENGTH = 72;
/** In place of the length, after a take: the number of the node from which it has taken, of the last dimension; 0 if it is no name's own. Floating point. */
export const TAKEN_NODE = 72;
export const SIP = 80;
/** Where a set has been redefined: how the partitions before go over to these; 0 once all have. */
export const PASSAGE = 112;
/** Of which dimensions a name of the last request found no room, one bit each: floating point. */
export const MET_FULL = 120;
/** So many units of a name at once; then its hash, as in a request. */
export const NAME = 128;
export const NAME_UNITS = 64;
/** Among threads, where the set has been redefined: how many of the places before have been gone through. */
export const PASSED = 56;
/** Among threads: the AHEAD of the participant whose wall clock has moved last. */
export const MOVED_AHEAD = 256;
export const REQUEST = 264;

// Request for a partition of one dimension, in floating point. To all numbers 2 ** 52 is added: their 32 bits then stand in the first half
// of their words, and need not be converted.
export const FLOATED = 2 ** 52;
/** The number of the tier, plus 1. If no partition is meant, all is 0. */
export const ASKED_TIER = 0;
/** The hash of the name, as four numbers of 32 bits. */
export const ASKED_HASH = 8;
export const ASKED_BYTES = 40;

// Table of a dimension.
export const LINE_COUNT = 0;
/** How many names have a state of their own at most. The node behind the last of these is the shared one. */
export const MAX = 4;
export const PLACES = 8;
export const NODES = 12;
export const NODE_BYTES = 16;
/** Whether names beyond MAX are refused, and do not share. */
export const REFUSES = 20;
/** How many limits the dimension has, and where their parts are: those of tier 0 first. */
export const PART_COUNT = 24;
export const PARTS = 28;
/** The tier whose definitions stand in the region. */
export const PRESENT_TIER = 32;
/** How many nodes were ever used, and the first of those that were given back. */
export const NODES_USED = 36;
export const NODE_FREE = 40;
/** How many names have a state of their own. */
export const IN_TABLE = 44;
/** Where the search for recovered partitions goes on. */
export const HAND = 48;
/** Whether the shared state has been taken from, and was not seen recovered since. */
export const IS_SHARED = 52;
// The partition of the present request.
export const STATUS = 56;
export const NODE = 60;
export const PLACE = 64;
export const TIER = 68;
/** Where a set has been redefined: the table of the same dimension before, and the one that follows; 0 if there is none. */
export const FROM_TABLE = 72;
export const TO_TABLE = 76;
// Among threads. The slot of the participant, which names its spare node; and the place of the shared state.
export const SLOT = 80;
export const SHARED_PLACE = 84;
/** What the place and the slot of the present request had in them. */
export const OLD_PLACE = 88;
export const OLD_SLOT = 96;
/** A place that becomes vacant, or 0; and what it had in it. */
export const EVICTED_PLACE = 104;
/** How many nodes there are. */
export const NODE_COUNT = 108;
export const OLD_EVICTED = 112;
/** The node that goes into the slot; and whether it was never used. */
export const NEXT_SPARE = 120;
export const IS_FRESH = 124;
/** How many names more need nodes once they are looked for: those with a row in a storage; among threads, those in the table before. */
export const RESERVED = 128;
/** Among threads, where the set has been redefined: the place before of the present name, or 0; and what it had in it. */
export const BEFORE_PLACE = 136;
export const BEFORE_WORD = 144;
/** From when on a long search for a recovered partition may run again, where there is no room. */
export const SEARCH_FROM = 152;
export const TABLE_BYTES = 160;

export const PLACE_BYTES = 8;
export const LINE_PLACES = 8;
export const NODE_BITS = 24;

// Node.
export const HASH = 0;
/** In a node that was given back: the next of them. */
export const NEXT = 0;
export const NODE_EPOCH = 16;
/** Two halves of a word: the number of its tier, plus 1, which is 0 in a node without a name; and whether it is waited for. */
export const NODE_TIER = 20;
export const WAITED_FOR = 22;
export const NODE_STATES = 24;
/**
 * Among threads, before the states: which participants wait for it, one bit each; then which of them have done so before the set was redefined,
 * and may not know of that yet.
 */
export const PINS = NODE_STATES;

// Passage: how the partitions of a set that was redefined go over to the next ones.
/** The partitions before, their region, and the participant's scratch area there. Nothing else uses these any more. */
export const OLD = 0;
export const OLD_REGION = 4;
export const OLD_SCRATCH = 8;
/** A mode of `inherit`. */
export const OLD_MODE = 12;
/** When the set was redefined, in microseconds. */
export const PASSED_AT = 16;
/** Where it goes on: a table of the partitions before, and a node in it. */
export const PASS_TABLE = 24;
export const PASS_NODE = 28;
/** For each limit, two numbers in floating point: the limit before that it follows, below 0 if there is none, and how many units one is. */
export const HEIRS = 32;
export const HEIR_BYTES = 16;
// Among threads. In place of OLD, the block of OLD_REGION that was the last present one; of OLD_SCRATCH, where in the passage the tiers are, each
// a number of 32 bits: what it is from now on; of PASS_TABLE, how many places there are before. FROM_TABLE of a table is the number of the
// one before, plus 1.
export const OLD_BLOCK = 0;
export const OLD_TIERS = 8;
export const OLD_PLACES = 24;

// Part: a limit under one tier. It begins with the definition.
/** Where in the region's definitions the limit is. */
export const PART_DEFINITION = 64;
/** Where in a node the state would begin if it had all of a record. */
export const PART_STATE = 68;
/** The size of the words of the state, and of an item; 0 if the limit has no items. */
export const FIXED = 72;
export const ITEM = 76;
/** Where in a state the number of its items is; and where in a node the number of its first chunk is. */
export const ITEM_COUNT = 80;
export const ITEM_LINK = 84;
/** In the first part of a tier, where the set is being redefined: the number of that tier from now on. */
export const NEXT_TIER = 120;
/** Among threads: how many items a node has room for, or pairs of a resource. Else 0. */
export const ROOM = 124;
// For all tiers together, in the part of tier 0.
/** The epochs of the latest reset of all partitions, of the end of all pauses, and of the latest pause of all. */
export const RESET_EPOCH = 88;
export const RESUME_EPOCH = 92;
export const PAUSE_EPOCH = 96;
/** When the reset was; and until when a name that was never seen is paused. */
export const RESET_TIME = 104;
export const ALL_PAUSED = 112;
export const PART_BYTES = 128;

/** In a node the pause of a limit stands right before the words of its state. */
export const PAUSED_BYTES = 8;

export const CHUNK_BYTES = 64;
export const LINK_BYTES = 4;

// What the name of a request has been found to be.
/** No partition is meant. */
export const NOT_NAMED = 0;
export const KNOWN = 1;
/** Never seen, or recovered since; there is room. */
export const ABSENT = 2;
export const SHARING = 3;
/** There is no room, and the name is refused. */
export const FULL = 4;
/** Among threads: known, and about to go over from the table before. */
export const COMING = 5;

// Of which partition a row is: below 0 of the hash that stands there, above 0 of the node with this number.
export const ROW_OF_HASH = -1;
export const ROW_OF_SHARED = 0;

// What has become of a row that was read.
export const ROW_IS_KEPT = 1;
/** It answers as one that was never seen. */
export const ROW_IS_RECOVERED = 0;
/** There is no node for it. */
export const ROW_HAS_NO_ROOM = -1;
/** Its size is not that of a row under the present definitions. */
export const ROW_IS_UNREADABLE = -2;

// Flags of a call that hashes some units of a name.
export const BEGINS = 1;
export const ENDS = 2;

// Among threads a node of a resource has, in place of HELD, the number of pairs, and then the pairs: which participant holds how much.
export const PAIR_OWNER = 0;
export const PAIR_UNITS = 8;
export const PAIR_BYTES = 16;

// Commons, in a block that threads share: what concerns all partitions together, since it changes with the state.
/** How many records the block has. */
export const RECORD_COUNT = 0;
export const COMMON_EPOCHS = 8;
export const COMMON_AHEAD = 24;
export const COMMON_PASSED = 32;
export const COMMON_TABLES = 40;
/** For each dimension NODES_USED, IN_TABLE, IS_SHARED and RESERVED. */
export const COMMON_TABLE_BYTES = 16;
/**
 * Behind these, for each limit, what a part has for all tiers together. Then two bits for each participant: in PINNING, whether it may wait for
 * partitions; behind that, whether what it has waited for before the set was redefined still counts.
 */
export const COMMON_PART_BYTES = 32;

// Record: a word that the transaction changes, which has been OLD until then.
export const RECORD_WORD = 0;
export const RECORD_OLD = 8;
export const RECORD_NEW = 16;
export const RECORD_BYTES_EACH = 24;
/** For each dimension: its place, one that becomes vacant, one in the table before, and the slot. */
export const RECORDS_A_TABLE = 4;
