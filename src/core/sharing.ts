/** What the bridge knows of threads: the interface that `threads/` implements for a region that several threads share. */

/** This thread's part in a shared region. */
export interface Sharing {
  /** Its number: which scratch area and which two blocks are its own. */
  readonly participant: number;
  /** Which life of that number it is. */
  readonly life: number;
  readonly wakeWord: WakeWord;
  /** Withdraws the claim of the waiter that came at `since`, in microseconds. */
  withdraw(since: number): void;
  /** Gives back all that this thread holds, and its number. */
  leave(): void;
  /** Gives the region up if no thread takes part or is just coming. True: the memory is free, and no thread comes any more. */
  abandon(): boolean;
}

/** By which a thread sleeps until another thread gives something back. */
export interface WakeWord {
  /** Whether a callback is set and has not been called yet. */
  readonly listening: boolean;
  /** Begins to notice: whatever comes back from here on wakes this thread. Earlier releases are the caller's to look for. */
  prepare(): void;
  /** Calls back once, when something has come back since `prepare`. The process stays alive until then, or until `rest`. */
  listen(callback: () => void): void;
  /** Ends `listen`: no waiter is left in this thread. */
  rest(): void;
  /** Blocks this thread until something has come back since `prepare`. False after `ms` milliseconds. */
  sleep(ms: number): boolean;
}
