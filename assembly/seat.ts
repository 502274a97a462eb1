/** Every offset in a seat: the entrance of a region that threads share, and the seats of its participant numbers. */

// Outside of a region that threads share, in memory that is never used for anything else: the word by which threads enter the
// region, then the seats of the participant numbers. A thread that comes late, or was reclaimed while it is alive, looks there
// even when the region is gone.
export const ENTRANCE_BYTES = 64;
/**
 * The state of the number, in three flags, and above them how often it has been given out. It is the lower half of a 64-bit word,
 * of which HANDLE is the upper half. All accesses have 64 bits: those of different widths would not be ordered among themselves.
 */
export const LIFE = 0;
/** The handle by which the thread of the present life attached. */
export const HANDLE = 4;
/** The life whose thread has noted its id, then the platform's id of that thread, plus 1. */
export const THREAD = 8;
/** The address of the region on which the thread acts while it is inside. */
export const USES = 16;
export const SEAT_BYTES = 64;

// The flags of LIFE. A number that is neither taken nor reclaimed is free.
/** A thread takes part by the number. */
export const TAKEN = 1;
/** The life is over, and what its thread held is being given back. */
export const RECLAIMED = 2;
/** The thread is in the middle of a transaction. */
export const INSIDE = 4;
