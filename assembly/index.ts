/**
 * The core: it keeps the state of sets in memory, and changes it in transactions. These are the functions that JavaScript
 * may call. `region` is the address of a set's region; `scratch` is the address of the calling thread's scratch area,
 * through which requests and answers pass. layout.ts draws the memory, commit.ts is the transaction, and algorithms/ has one
 * file for each algorithm.
 */
export { change } from "./change";
export { transact } from "./commit";
export { demandOf } from "./demand";
export { inherit } from "./inherit";
export { logBytes, stateBytes } from "./kinds";
export { enter, exit } from "./life";
export { correct, leave } from "./participant";
export { hashName } from "./partitions/names";
export { changePer, movePer, transactPer } from "./partitions/partition";
export { beginPassing, passSome } from "./partitions/pass";
export { pausedUntil } from "./partitions/paused";
export { hasRow, readRow, rowAt, writeRow } from "./partitions/rows";
export { enlist, nodeBytes } from "./partitions/states";
export { waitPer } from "./partitions/waited";
export { widenPer } from "./partitions/widen";
export { wipe, wipeShared } from "./partitions/wipe";
export { redefine } from "./redefine";
export { define, format, regionBytes, scratchOf } from "./region";
export { countEnd } from "./totals";
