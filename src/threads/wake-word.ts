/** How a thread sleeps until another gives something back: `assembly/wake.ts` is the other side. */
import { SLEEPERS, WAKE } from "../../assembly/layout.ts";
import { sleepOn } from "../platform/sleep.ts";
import { change } from "./change.ts";

// What setInterval takes at most: 24.8 days.
const FOR_LONG_MS = 2 ** 31 - 1;

export class WakeWord {
  private readonly words: Int32Array;
  private readonly wake: number;
  private readonly sleepers: number;
  /** What WAKE was when the thread last prepared to sleep. */
  private seen = 0;
  /** For which value of WAKE to change a call-back is under way. */
  private awaited: number | undefined = undefined;
  private callback: (() => void) | undefined = undefined;
  private vigil: ReturnType<typeof setInterval> | undefined = undefined;

  constructor(memory: WebAssembly.Memory, start: number) {
    this.words = new Int32Array(memory.buffer);
    this.wake = (start + WAKE) / 4;
    this.sleepers = (start + SLEEPERS) / 4;
  }

  /** Whether somebody listens, and has not been called back yet. */
  get listening(): boolean {
    return this.callback !== undefined;
  }

  /** Whatever comes back from here on wakes this thread. Whatever came back before, it has to see for itself. */
  prepare(): void {
    // In this order: a release under way may lower the flag at once, and tells of it by WAKE alone.
    this.seen = Atomics.load(this.words, this.wake);
    Atomics.store(this.words, this.sleepers, 1);
  }

  /** Calls back once, when something has come back since `prepare`. Until then, or `rest`, the process stays alive. */
  listen(callback: () => void): void {
    this.callback = callback;
    // Runtimes end while nothing but an asynchronous wait is pending.
    this.vigil ??= setInterval(() => {}, FOR_LONG_MS);
    if (this.awaited === this.seen) return;
    const seen = this.seen;
    this.awaited = seen;
    change(this.words, this.wake, seen).then(() => this.ring(seen));
  }

  /** Nobody in this thread waits any more. */
  rest(): void {
    this.callback = undefined;
    clearInterval(this.vigil);
    this.vigil = undefined;
  }

  /** Blocks this thread until something has come back since `prepare`. False if that took longer than `ms` milliseconds. */
  sleep(ms: number): boolean {
    return sleepOn(this.words, this.wake, this.seen, ms);
  }

  private ring(seen: number): void {
    if (this.awaited !== seen) return;
    this.awaited = undefined;
    const callback = this.callback;
    this.callback = undefined;
    callback?.();
  }
}
