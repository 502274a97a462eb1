/** All that the bridge knows of threads: the interfaces that `threads/` implements for a region which several threads share. */

/** This thread's part in a shared region. */
export interface Sharing {
  /** Its participant number: which scratch area and which two blocks are its own. */
  readonly participant: number;
  /** The life of that number. */
  readonly life: number;
  readonly wakeWord: WakeWord;
  /** Begins to write into the region. False if this thread has been reclaimed; then it must not write, nor read. */
  enter(): boolean;
  exit(): void;
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
