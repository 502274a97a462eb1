/** All that the bridge knows of threads: the interfaces that `threads/` implements for a region which several threads share. */
import type { Heap } from "./arena.ts";

import type { SharedDesks } from "./desks.ts";

/** This thread's part in a shared region. */
export interface Sharing {
  /** Its participant number: which scratch area and which two blocks are its own. */
  readonly participant: number;
  /** The life of that number. */
  readonly life: number;
  readonly wakeWord: WakeWord;
  /** The memory, with the whole core on it. */
  readonly heap: Heap;
  readonly desks: SharedDesks;
  /** The address of the region that has the head. */
  readonly home: number;
  /** Lets this thread begin to write to the region. Returns false if it has been reclaimed: then it must neither write nor read. */
  enter(): boolean;
  /** Ends what `enter` has begun. */
  exit(): void;
  /**
   * The address of the region that has the present block. Its memory is not used for another region before this thread's `exit`. This
   * thread has entered.
   */
  present(): number;
  /** Notes that this thread, which has entered, acts on a region that it has just published. It may be past already. */
  adopt(region: number): void;
  /** Whether the region with a number has the present block, as far as that has been noted. This thread has entered. */
  isPresent(number: number): boolean;
  /** Makes a room of `bytes` bytes, of which the first `cleared` are 0. This thread has entered, and acts on the present region. */
  takeRoom(bytes: number, cleared: number): Room;
  /** Withdraws the claim of the waiter that came at `since`, in microseconds. */
  withdraw(since: number): void;
  /** Gives back all that this thread holds, and its number. */
  leave(): void;
  /**
   * Gives the region up, if no thread takes part in it or is about to. Returns whether it did: then the memory is free, and
   * no thread can enter the region any more.
   */
  abandon(): boolean;
}

/** Memory for a region of a set that is being redefined. */
export interface Room {
  readonly start: number;
  /** Ends its making: from now on other threads may take the room, once no thread uses the region in it. */
  done(): void;
}

/** The word on which a thread sleeps until another thread gives something back. */
export interface WakeWord {
  /** Whether a callback is set and has not been called yet. */
  readonly listening: boolean;
  /** From here on, everything that comes back wakes this thread. The caller has to look for earlier releases itself. */
  prepare(): void;
  /** Calls back once, when something has come back since `prepare`. The process stays alive until then, or until `rest`. */
  listen(callback: () => void): void;
  /** Ends `listen`: no waiter is left in this thread. */
  rest(): void;
  /** Blocks this thread until something has come back since `prepare`. False after `ms` milliseconds. */
  sleep(ms: number): boolean;
}
