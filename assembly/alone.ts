/**
 * The core for sets of one participant: it has nothing of what only other threads need. These are the functions that JavaScript may call.
 * `region` is the address of a set's region; `scratch` is the address of the calling thread's scratch area, through which requests and
 * answers pass. layout.ts draws the memory, commit.ts is the transaction, and algorithms/ has one file for each algorithm.
 *
 * `IS_ALONE` is a constant that the compiler is told: 1 for this core, 0 for the whole one. Where it is 1, the compiler leaves out what
 * no region of one participant comes to.
 */
export { change } from "./change";
export { transact } from "./commit";
export { demandOf } from "./demand";
export { inherit } from "./inherit";
export { logBytes, stateBytes } from "./kinds";
export { correct } from "./participant";
export { takeKnown } from "./partitions/known";
export { hashName } from "./partitions/names";
export { changePer, movePer, transactPer } from "./partitions/partition";
export { beginPassing, passSome } from "./partitions/pass";
export { pausedUntil } from "./partitions/paused";
export { enlist, nodeBytes } from "./partitions/states";
export { waitPer } from "./partitions/waited";
export { wipe } from "./partitions/wipe";
export { redefine } from "./redefine";
export { define, format, regionBytes, scratchOf } from "./region";
export { countEnd } from "./totals";
