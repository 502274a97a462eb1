/**
 * The whole core: it keeps the state of sets in memory, and changes it in transactions, also among threads, each of which has an instance
 * on the same memory. Besides the functions of alone.ts it has those for threads, and those for partitions as rows.
 */
export * from "./alone";
export { enter, exit } from "./life";
export { leave } from "./participant";
export { passAmong } from "./partitions/ferry";
export { ownIn } from "./partitions/own";
export { arriveAmong, waitAmong } from "./partitions/pinned";
export { hasRow, readRow, rowAt, writeRow } from "./partitions/rows";
export { widenPer } from "./partitions/widen";
export { wipeShared } from "./partitions/wipe";
